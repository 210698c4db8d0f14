"""The score of the segmentation head: counts of every variant that add up over any chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.noise_dataset import CLASS_NAMES, make_rows
from tests.toco_core.small_run import small_recipe
from toco_core.crf import DenseCRF
from toco_core.data.loader import whole_image
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.data.writer import write_dataset
from toco_core.model.toco import ToCo, build_model
from toco_core.scoring.cam_score import chunks
from toco_core.scoring.inference import segment
from toco_core.scoring.metrics import ConfusionMatrix
from toco_core.scoring.segmentation import SegmentationChunk, segmentation_chunk
from toco_core.scoring.segmentation_score import Method, add_up

IMAGES = 6
METHOD = Method(scales=(1.0, 1.5))
WITH_CRF = Method(scales=(1.0, 1.5), crf=True)


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> ParquetSplit:
    """Images of different sizes, none of which is a number of patches; with ignored pixels."""
    root: Path = tmp_path_factory.mktemp("noise")
    rows = {"report": make_rows(IMAGES)}
    write_dataset(root, rows, class_names=CLASS_NAMES, source="noise")
    return open_dataset(root).split("report")


@pytest.fixture(scope="module")
def model() -> ToCo:
    return build_model(small_recipe(), len(CLASS_NAMES)).eval()


def score(
    model: ToCo, split: ParquetSplit, indices: range, method: Method = METHOD, keep: int = 0
) -> SegmentationChunk:
    return segmentation_chunk(
        model, small_recipe(), split, indices, method=method, purpose="test", keep=keep
    )


@pytest.mark.crf
def test_every_variant_is_counted_as_it_is_spelt_out(model: ToCo, split: ParquetSplit) -> None:
    counted = score(model, split, range(IMAGES), WITH_CRF).counts
    expected = {variant: ConfusionMatrix.empty(4) for variant in WITH_CRF.variants}
    for index in range(IMAGES):
        image, (mask,) = whole_image(split, index), split.masks([index], purpose="test")
        logits = segment(model, image.pixels, WITH_CRF.scales)
        probabilities = logits.multi.softmax(dim=0).numpy()
        marginals = DenseCRF()(image.pixels.permute(1, 2, 0).numpy(), probabilities)
        labels = {
            "single": logits.single.argmax(dim=0),
            "multi": logits.multi.argmax(dim=0),
            "crf": torch.from_numpy(marginals).argmax(dim=0),
        }
        for variant in WITH_CRF.variants:
            expected[variant] += ConfusionMatrix.of(mask, labels[variant], 4)
    for variant in WITH_CRF.variants:
        assert np.array_equal(counted[variant].counts, expected[variant].counts)
    valid = sum(int((mask != 255).sum()) for mask in split.masks(range(IMAGES), purpose="test"))
    assert counted["multi"].counts.sum() == valid


@pytest.mark.crf
@pytest.mark.parametrize("size", [1, 4])
def test_chunks_of_any_size_add_up_to_the_same_score(
    model: ToCo, split: ParquetSplit, size: int
) -> None:
    whole = add_up([score(model, split, range(IMAGES), WITH_CRF)])
    pieces = reversed(chunks(IMAGES, size))
    parts = add_up([score(model, split, indices, WITH_CRF) for indices in pieces])
    assert (parts.images, parts.masks_opened) == (IMAGES, IMAGES)
    for variant in WITH_CRF.variants:
        assert np.array_equal(parts.counts[variant].counts, whole.counts[variant].counts)


@pytest.mark.parametrize(
    ("method", "variants"),
    [
        (Method(scales=()), ("single",)),
        pytest.param(Method(scales=(), crf=True), ("single", "crf"), marks=pytest.mark.crf),
        (Method(scales=(1.0,)), ("single", "multi")),
    ],
)
def test_a_method_is_scored_in_its_variants(
    model: ToCo, split: ParquetSplit, method: Method, variants: tuple[str, ...]
) -> None:
    assert method.variants == tuple(score(model, split, range(1), method).counts) == variants


def test_what_was_compared_is_kept_to_be_drawn(model: ToCo, split: ParquetSplit) -> None:
    kept = score(model, split, range(2, 5), keep=4).kept
    assert len(kept) == 2  # images 2 and 3
    pixels, cams, labels, mask = kept[0]
    assert pixels.shape[1:] == labels.shape == mask.shape == cams.final.shape[1:]
    assert (cams.classes + 1).tolist() == list(split.row(2).labels)


def test_a_checkpoint_with_broken_weights_is_refused(split: ParquetSplit) -> None:
    broken = build_model(small_recipe(), len(CLASS_NAMES)).eval()
    with torch.no_grad():
        broken.decoder.conv8.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="not finite"):
        score(broken, split, range(1))
