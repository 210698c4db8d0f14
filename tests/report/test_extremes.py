"""Which images are chosen to be looked at, and what is drawn of them."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from platform.report.extremes import BETTER, OF_EACH_KIND, POORER, extremes
from platform.report.overlays import draw_overlays
from platform.report.searched import Searched
from platform.results.counts import read_counts, write_counts
from tests.data.noise_dataset import CLASS_NAMES, make_rows
from tests.report.made_up import IMAGES
from tests.toco_core.small_run import small_recipe
from toco_core.data.reader import open_dataset
from toco_core.data.writer import write_dataset
from toco_core.scoring.cam import score_chunk
from toco_core.scoring.cam_score import summarise
from toco_core.trainer import Trainer

SCORED = 14  # more than are chosen
NOISE = small_recipe(classifiers__init="uniform")  # whose CAMs show something from the start


def miou_of(searched: Searched, number: int) -> np.ndarray:
    """Count each image by itself."""
    counts = read_counts(searched.directory, number)
    assert counts is not None
    column = round(100 * searched.scores[number][-1]["bkg"])
    single = np.eye(IMAGES)
    return np.array([counts.curves(single[i : i + 1])[0, column] for i in range(IMAGES)])


def test_images_are_chosen_by_gain_loss_and_by_the_winner_alone(searched: Searched) -> None:
    chosen = extremes(searched)
    assert searched.winner
    recipe, winner = (miou_of(searched, number) for number in (0, searched.winner))
    gain = winner - recipe
    kinds: dict[str, list[int]] = {}
    for one in chosen:
        assert one.miou == {"recipe": recipe[one.index], "winner": winner[one.index]}
        kinds.setdefault(one.why, []).append(one.index)
    assert len({one.index for one in chosen}) == len(chosen)
    assert kinds[BETTER] == np.argsort(-gain)[:OF_EACH_KIND].tolist()
    assert all(gain[index] < 0 for index in kinds.get(POORER, []))
    *_, worst, best = kinds.values()
    rest = set(range(IMAGES)) - {*kinds[BETTER], *kinds.get(POORER, [])}
    assert worst == sorted(rest, key=lambda i: winner[i])[:OF_EACH_KIND]
    assert best == sorted(rest, key=lambda i: -winner[i])[:OF_EACH_KIND]


def test_without_a_winner_the_recipe_s_own_are_chosen(searched: Searched) -> None:
    chosen = extremes(replace(searched, winner=0))
    assert [one.why for one in chosen][::OF_EACH_KIND] == [
        "where the recipe is worst",
        "where it is best",
    ]


def test_without_counts_none_is_chosen(searched: Searched, tmp_path: Path) -> None:
    assert extremes(replace(searched, directory=tmp_path)) == []


@pytest.fixture(scope="module")
def left_behind(searched: Searched, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """What a search leaves of two networks on images of noise: checkpoints, and their counts."""
    directory = tmp_path_factory.mktemp("left")
    rows = {"train": make_rows(4, with_masks=False), "tune": make_rows(SCORED)}
    write_dataset(directory / "noise", rows, class_names=CLASS_NAMES, source="noise")
    dataset = open_dataset(directory / "noise")
    for number in searched.contenders().values():
        trainer = Trainer(NOISE.model_copy(update={"seed": number}), dataset)
        place = directory / f"trials/trial-{number:04d}"
        place.mkdir(parents=True)
        trainer.save(place / "iteration-000008.pt")
        model, split = trainer.model.eval(), dataset.split("tune")
        chunk = score_chunk(model, NOISE, split, range(SCORED), purpose="test", count_images=SCORED)
        counts = summarise([chunk]).by_image
        assert counts is not None
        write_counts(directory, number, counts)
    scores = {number: [{"bkg": 0.3}] for number in searched.contenders().values()}
    data = NOISE.data.model_copy(update={"source": str(directory / "noise")})
    recipe = NOISE.model_copy(update={"data": data})
    return replace(searched, directory=directory, recipe=recipe, scores=scores)


def test_each_image_is_drawn_as_recipe_and_winner_see_it(left_behind: Searched) -> None:
    drawn = draw_overlays(left_behind)
    assert not drawn.missing
    pairs = [pair for group in drawn.groups.values() for pair in group]
    assert len(pairs) == drawn.masks_opened == len(extremes(left_behind))
    for pair, one in zip(pairs, extremes(left_behind), strict=True):
        assert pair.name == f"row{one.index}"
        assert [name.partition(",")[0] for name, _ in pair.views] == ["recipe", "winner"]
        pictures = [
            Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) for _, uri in pair.views
        ]
        first, second = (np.asarray(picture, float) for picture in pictures)
        assert first.shape == second.shape
        third = first.shape[1] // 3
        same, other, truth = (
            np.abs(first - second)[:, i * third : (i + 1) * third].mean() for i in range(3)
        )
        assert max(same, truth) < 3 < other  # but for the packing, only the CAM differs


def test_other_masks_than_those_that_were_scored_are_told(left_behind: Searched) -> None:
    recipe = left_behind.recipe
    other = Path(recipe.data.source).with_name("other")
    rows = {"train": make_rows(4, with_masks=False), "tune": make_rows(SCORED, seed=5)}
    write_dataset(other, rows, class_names=CLASS_NAMES, source="noise")
    data = recipe.data.model_copy(update={"source": str(other)})
    changed = replace(left_behind, recipe=recipe.model_copy(update={"data": data}))
    drawn = draw_overlays(changed)
    assert "no longer those that were scored" in drawn.missing
    assert not drawn.groups


def test_a_checkpoint_that_is_gone_is_told(left_behind: Searched, tmp_path: Path) -> None:
    for number in left_behind.contenders().values():
        counts = read_counts(left_behind.directory, number)
        assert counts is not None
        write_counts(tmp_path, number, counts)
    drawn = draw_overlays(replace(left_behind, directory=tmp_path))
    assert "the checkpoint of trial 0 is not in" in drawn.missing


def test_nothing_is_drawn_while_trials_run(left_behind: Searched) -> None:
    running = replace(left_behind.trials[-1], ended=None)
    going = replace(left_behind, trials=[*left_behind.trials[:-1], running])
    assert not draw_overlays(going).groups
    assert not math.isnan(extremes(left_behind)[0].miou["recipe"])
