"""A score: the literal evaluation at every threshold, in one pass, for any share of the work."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from toco_core.cam.image_cam import PresentCams
from toco_core.cam.multi_scale import multi_scale_cam
from toco_core.cam.pseudo_labels import cam_to_label
from toco_core.data.loader import evaluation_samples
from toco_core.data.partscenes.dataset import PartScenes, ensure_partscenes
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.model.toco import ToCo, build_model
from toco_core.scoring.cam import cam_agreement, score_chunk, token_similarity
from toco_core.scoring.cam_score import Score, chunks, summarise
from toco_core.scoring.metrics import ConfusionMatrix
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides, load_recipe

IMAGES = 7


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> ParquetSplit:
    options = PartScenes(splits={"train": 1, "tune": IMAGES, "report": 1})
    cache: Path = tmp_path_factory.mktemp("cache")
    return open_dataset(ensure_partscenes(options, cache=cache)).split("tune")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return apply_overrides(load_recipe("partscenes"), {"backbone.weights": "random"})


@pytest.fixture(scope="module")
def model(recipe: Recipe, split: ParquetSplit) -> ToCo:
    return build_model(recipe, split.info.num_classes).eval()


@pytest.mark.parametrize("bkg", [0.0, 0.2, 0.431, 0.8])
def test_the_curve_is_the_literal_evaluation_at_each_threshold(
    model: ToCo, recipe: Recipe, split: ParquetSplit, bkg: float
) -> None:
    score = summarise([score_chunk(model, recipe, split, range(IMAGES), purpose="test")])
    counts = ConfusionMatrix.empty(split.info.num_classes + 1)
    for sample in evaluation_samples(split, range(IMAGES), recipe.data.crop_size):
        cam, _ = multi_scale_cam(model, sample.image[None], recipe.cam.scales)
        size = (sample.mask.shape[0], sample.mask.shape[1])
        cam = F.interpolate(cam, size=size, mode="bilinear", align_corners=False)
        labels = cam_to_label(cam, sample.class_labels[None], bkg)
        counts += ConfusionMatrix.of(sample.mask[None], labels, split.info.num_classes + 1)
    assert score.at(bkg) == pytest.approx(counts.miou, abs=2e-4)  # a batch rounds unlike one image


def test_the_best_threshold_is_the_highest_point_of_the_curve(
    model: ToCo, recipe: Recipe, split: ParquetSplit
) -> None:
    score = summarise([score_chunk(model, recipe, split, range(IMAGES), purpose="test")])
    assert score.miou == score.final.miou.max() == score.at(score.bkg)
    assert score.aux_miou == score.auxiliary.miou.max() == score.aux_at(score.aux_bkg)


def test_chunks_add_up_to_the_same_score_in_any_order(
    model: ToCo, recipe: Recipe, split: ParquetSplit
) -> None:
    parts = [score_chunk(model, recipe, split, c, purpose="test") for c in chunks(IMAGES, 2)]
    shuffled = random.Random(0).sample(parts, len(parts))
    one, other = summarise(parts), summarise(shuffled)
    assert np.array_equal(one.final.iou, other.final.iou, equal_nan=True)
    assert np.array_equal(one.auxiliary.iou, other.auxiliary.iou, equal_nan=True)
    assert (one.f1, one.token_similarity) == (other.f1, other.token_similarity)
    assert one.agreement == other.agreement
    assert summarise(parts).images == IMAGES
    assert summarise(parts).masks_opened == IMAGES


def test_counts_by_image_change_no_score_and_add_up_to_it(
    model: ToCo, recipe: Recipe, split: ParquetSplit
) -> None:
    def score(count_images: int) -> Score:
        parts = [
            score_chunk(model, recipe, split, c, purpose="test", count_images=count_images)
            for c in chunks(IMAGES, 3)
        ]
        return summarise(parts)

    plain, counted, some = score(0), score(IMAGES), score(4)
    assert plain.by_image is None
    for one in (counted, some):
        np.testing.assert_array_equal(one.final.iou, plain.final.iou)
        assert one.auxiliary.best() == plain.auxiliary.best()
        assert (one.f1, one.agreement) == (plain.f1, plain.agreement)
    assert counted.by_image is not None
    assert some.by_image is not None
    curve = counted.by_image.curves(np.ones((1, IMAGES)))[0]
    np.testing.assert_allclose(curve, plain.final.miou[::10], rtol=0, atol=1e-12)
    assert some.by_image.images == 4
    first = np.eye(1, IMAGES, 1)  # the second image alone
    np.testing.assert_array_equal(
        some.by_image.curves(first[:, :4]), counted.by_image.curves(first)
    )


def test_chunks_cover_a_split_once() -> None:
    assert list(itertools.chain(*chunks(37, 16))) == list(range(37))
    assert [len(chunk) for chunk in chunks(37, 16)] == [16, 16, 5]


def test_token_similarity_is_the_mean_cosine_of_all_pairs() -> None:
    tokens = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    pairs = list(itertools.permutations(range(5), 2))
    literal = [
        sum(F.cosine_similarity(one[i], one[j], dim=0) for i, j in pairs) / len(pairs)
        for one in tokens
    ]
    assert token_similarity(tokens).tolist() == pytest.approx([float(x) for x in literal], abs=1e-6)


def test_equal_tokens_have_the_similarity_one() -> None:
    tokens = torch.ones(1, 9, 4)
    assert token_similarity(tokens).item() == pytest.approx(1.0)


def test_agreement_is_what_both_cams_have_over_what_either_has() -> None:
    final, auxiliary = torch.tensor([[[0.2, 0.8]]]), torch.tensor([[[0.4, 0.4]]])
    cams = PresentCams(torch.tensor([3]), final, auxiliary)
    assert cam_agreement(cams).item() == pytest.approx((0.2 + 0.4) / (0.4 + 0.8))
    assert cam_agreement(PresentCams(torch.tensor([3]), final, final)).item() == 1
    assert cam_agreement(PresentCams(torch.tensor([3]), 0 * final, 0 * final)).item() == 0


def test_without_masks_all_that_needs_none_is_the_same_and_none_is_opened(
    model: ToCo, recipe: Recipe, split: ParquetSplit
) -> None:
    seen = summarise([score_chunk(model, recipe, split, range(IMAGES), purpose="test")])
    before = split.ledger.total()
    chunk = score_chunk(model, recipe, split, range(IMAGES), purpose="test", keep=1, masks=False)
    blind = summarise([chunk])
    assert split.ledger.total() == before
    assert blind.masks_opened == 0
    assert np.isnan([blind.miou, blind.aux_miou, blind.bkg, *blind.final.class_iou(0.5)]).all()
    assert (blind.f1, blind.agreement) == (seen.f1, seen.agreement)
    assert blind.unsupervised == seen.unsupervised
    assert chunk.kept[0].mask.eq(split.info.ignore_index).all()


def test_a_checkpoint_with_broken_weights_is_refused(recipe: Recipe, split: ParquetSplit) -> None:
    broken = build_model(recipe, split.info.num_classes).eval()
    with torch.no_grad():
        broken.classifier.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="not finite"):
        score_chunk(broken, recipe, split, range(2), purpose="test")


def test_the_first_images_are_kept_to_be_drawn(
    model: ToCo, recipe: Recipe, split: ParquetSplit
) -> None:
    chunk = score_chunk(model, recipe, split, range(2, 6), purpose="test", keep=4)
    assert len(chunk.kept) == 2  # images 2 and 3
    pixels, cam, mask = chunk.kept[0]
    assert pixels.shape == (3, *mask.shape)
    assert cam.shape == (split.info.num_classes, *mask.shape)
    absent = split.class_labels(split.row(2)) == 0
    assert torch.all(cam[absent] == 0)
