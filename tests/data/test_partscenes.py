"""PartScenes: drawn from a seed, labelled honestly, and kept like every other dataset."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from toco_core.data.partscenes import classes
from toco_core.data.partscenes.dataset import PartScenes, ensure_partscenes
from toco_core.data.partscenes.scene import IGNORE, MIN_VISIBLE_SHARE, draw_object, draw_scene
from toco_core.data.reader import open_dataset

SMALL = PartScenes(splits={"train": 6, "tune": 4, "report": 4})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_partscenes(SMALL, cache=tmp_path_factory.mktemp("cache"))


def test_a_scene_depends_on_seed_split_and_index_alone() -> None:
    first, again = draw_scene(3, "tune", 5), draw_scene(3, "tune", 5)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)
    others = [draw_scene(4, "tune", 5), draw_scene(3, "train", 5), draw_scene(3, "tune", 6)]
    assert not any(np.array_equal(first.image, other.image) for other in others)


@pytest.mark.parametrize("index", range(20))
def test_the_labels_of_a_scene_are_the_classes_in_its_mask(index: int) -> None:
    scene = draw_scene(0, "train", index)
    shown = set(np.unique(scene.mask).tolist()) - {0, IGNORE}
    assert shown == set(scene.labels)
    assert scene.labels == sorted(set(scene.labels))
    assert 1 <= len(scene.labels) <= len(classes.CLASSES)


def test_a_labelled_class_shows_more_than_a_few_pixels() -> None:
    for index in range(30):
        scene = draw_scene(0, "train", index)
        for label in scene.labels:
            # the void border is cut off the visible area
            assert (scene.mask == label).mean() > MIN_VISIBLE_SHARE / 2


def test_objects_that_are_hidden_or_too_small_are_ignored_pixels_and_no_labels() -> None:
    ignored = [(draw_scene(0, "train", index).mask == IGNORE).mean() for index in range(60)]
    assert max(ignored) > 0.06  # a whole object, and not only borders
    assert np.mean(ignored) < 0.1


def test_every_class_appears_and_companions_appear_more_often_together() -> None:
    scenes = [set(draw_scene(0, "train", index).labels) for index in range(400)]
    counts = {label: sum(label in one for one in scenes) for label in range(1, 9)}
    assert min(counts.values()) > 20
    star = classes.CLASS_NAMES.index("star")
    companion = classes.CLASSES[star].companion
    assert companion is not None
    pair = {star + 1, companion + 1}
    together = sum(pair <= one for one in scenes)
    others = [
        sum({a, b} <= one for one in scenes)
        for a, b in itertools.combinations(range(1, 9), 2)
        if {a, b} != pair
    ]
    assert together > 2 * np.mean(others)


def test_the_colour_of_a_body_does_not_give_its_class_away() -> None:
    hues = [
        (kind, draw_object(np.random.default_rng(seed))[1].hue % 1)
        for seed in range(300)
        if (kind := draw_object(np.random.default_rng(seed))[1].class_index) is not None
    ]
    near = [abs((hue - classes.CLASSES[kind].hue + 0.5) % 1 - 0.5) < 0.065 for kind, hue in hues]
    assert 0.7 < np.mean(near) < 0.98  # it leans


def test_the_train_split_has_no_masks_and_the_others_have_all(root: Path) -> None:
    splits = open_dataset(root).info.splits
    assert {name: (info.images, info.masks) for name, info in splits.items()} == {
        "train": (6, 0),
        "tune": (4, 4),
        "report": (4, 4),
    }


def test_the_files_hold_the_scenes(root: Path) -> None:
    split = open_dataset(root).split("tune")
    scene = draw_scene(SMALL.seed, "tune", 2)
    row = split.row(2)
    assert list(row.labels) == scene.labels
    (mask,) = split.masks([2], purpose="test")
    assert np.array_equal(mask.numpy(), scene.mask)
    difference = np.asarray(split.image(row), float) - scene.image
    assert np.abs(difference).mean() < 8  # JPEG


def test_a_drawn_dataset_is_taken_from_the_cache(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.iterdir()}
    drawn: list[int] = []
    again = ensure_partscenes(SMALL, cache=root.parent, progress=lambda done, _: drawn.append(done))
    assert again == root
    assert not drawn
    assert {path: path.stat().st_mtime_ns for path in root.iterdir()} == before


def test_an_interrupted_drawing_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_partscenes(SMALL, cache=tmp_path, progress=stop)
    assert not list(tmp_path.iterdir())
