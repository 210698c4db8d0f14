"""COCO 2014: dense labels, masks drawn from instances, and each mistake in its files named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from tests.data.coco_tree import CLASS_NAMES, CocoTree, make_coco_tree
from toco_core.data.images import decode_mask
from toco_core.data.problems import RowError
from toco_core.data.sources.coco import coco_source
from toco_core.data.sources.coco_masks import Region, draw_mask
from toco_core.data.splitting import Splitting
from toco_core.data.storage import DatasetError
from toco_core.data.validation import validate_row

SMALL = Splitting(tune="train:3", report="val")


@pytest.fixture
def tree(tmp_path: Path) -> CocoTree:
    return make_coco_tree(tmp_path)


def test_train_is_train2014_tune_is_drawn_from_it_and_report_is_val2014(tree: CocoTree) -> None:
    source = coco_source(tree.root, SMALL)
    names = {split: [one.name for one in entries] for split, entries in source.splits.items()}
    assert names["train"] == list(tree.train)
    assert names["report"] == list(tree.val)
    assert len(names["tune"]) == 3
    assert set(names["tune"]) < set(tree.train)


def test_labels_are_dense_in_ascending_order_of_the_category_ids(tree: CocoTree) -> None:
    source = coco_source(tree.root, SMALL)
    assert source.class_names == CLASS_NAMES
    for entry in source.splits["train"]:
        row = source.read(entry)
        assert set(row.labels) == tree.train[entry.name].labels
        assert row.mask is None


def test_a_mask_has_the_smaller_instance_on_top(tree: CocoTree) -> None:
    source = coco_source(tree.root, SMALL)
    pictures = tree.train | tree.val
    overlapping = 0
    for entry in [*source.splits["tune"], *source.splits["report"]]:
        row, picture = source.read(entry), pictures[entry.name]
        assert row.mask is not None
        assert np.array_equal(decode_mask(row.mask), picture.mask())
        overlapping += np.count_nonzero(picture.mask()) < sum(box.area for box in picture.boxes)
    assert overlapping


def region(category: int, pixels: np.ndarray, *, is_crowd: bool = False) -> Region:
    """Return a region of uncompressed run lengths, which go down the columns and begin with 0."""
    flat = np.concatenate([[0], pixels.ravel(order="F")]).astype(np.int8)
    ends = np.flatnonzero(np.diff(flat))
    counts = np.diff(ends, prepend=0, append=pixels.size).tolist()
    return Region(
        category, is_crowd, float(pixels.sum()), {"size": list(pixels.shape), "counts": counts}
    )


def test_a_crowd_is_ignored_pixels_except_where_an_instance_is() -> None:
    crowd, person = np.zeros((2, 6, 8), np.bool_)
    crowd[:, 2:] = True
    person[:3, 4:6] = True
    expected = np.where(person, 1, np.where(crowd, 255, 0))
    regions = [region(7, person), region(9, crowd, is_crowd=True)]
    for order in (regions, regions[::-1]):
        assert np.array_equal(draw_mask(order, {7: 1, 9: 2}, 6, 8), expected)


def test_compressed_run_lengths_are_drawn_too() -> None:
    pixels = np.random.default_rng(0).random((6, 8)) < 0.5
    packed: Any = coco_mask.encode(np.asfortranarray(pixels, np.uint8))
    packed["counts"] = packed["counts"].decode()  # as JSON holds it
    assert np.array_equal(draw_mask([Region(1, False, 9.0, packed)], {1: 3}, 6, 8), 3 * pixels)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [6, 8], "counts": [3, 3]},
        {"size": [8, 6], "counts": [48]},
        {"counts": [48]},
        {"size": [6, 8], "counts": "zzzz"},
        [["a"] * 6],
        None,
    ],
)
def test_a_segmentation_that_cannot_be_drawn_is_a_corrupt_annotation(segmentation: Any) -> None:
    with pytest.raises(RowError, match="a segmentation cannot be drawn") as error:
        draw_mask([Region(1, False, 9.0, segmentation)], {1: 1}, 6, 8)
    assert error.value.kind == "corrupt annotation"


@pytest.mark.parametrize("segmentation", [[], [[1.0, 1.0, 5.0, 5.0]]])
def test_a_polygon_of_fewer_than_three_points_has_no_pixel(segmentation: Any) -> None:
    assert not draw_mask([Region(1, False, 0.0, segmentation)], {1: 1}, 6, 8).any()


def test_a_crowd_alone_is_a_label_of_its_image(tree: CocoTree) -> None:
    name = next(iter(tree.train))
    for number in range(2):
        tree.change("train", "annotations", number, iscrowd=1)
    source = coco_source(tree.root, SMALL)
    row = source.read(next(entry for entry in source.splits["train"] if entry.name == name))
    assert set(row.labels) == tree.train[name].labels


def test_an_annotation_of_no_category_is_a_label_without_a_class(tree: CocoTree) -> None:
    tree.change("train", "annotations", 0, category_id=2)
    source = coco_source(tree.root, SMALL)
    with pytest.raises(RowError, match="there is no category 2") as error:
        source.read(source.splits["train"][0])
    assert error.value.kind == "label without a class"


def test_an_image_of_another_size_than_its_annotations_say_is_named(tree: CocoTree) -> None:
    tree.change("val", "images", 0, height=20)
    source = coco_source(tree.root, SMALL)
    with pytest.raises(RowError, match=r"the mask is \(20, ") as error:
        validate_row(source.read(source.splits["report"][0]), 4)
    assert error.value.kind == "mask of another size"


def test_val2014_is_not_needed_where_no_split_is_of_it(tree: CocoTree) -> None:
    tree.annotation_file("val").unlink()
    source = coco_source(tree.root, Splitting(tune="train:3", report="train:2"))
    assert {split: len(entries) for split, entries in source.splits.items()} == {
        "train": 6,
        "tune": 3,
        "report": 2,
    }
    with pytest.raises(DatasetError, match=r"instances_val2014\.json cannot be read"):
        coco_source(tree.root, SMALL)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "instances_train2014.json is no annotation file of COCO"),
        ('{"images": [], "annotations": []}', "categories Field required"),
        (
            json.dumps({"images": [{"id": 1}], "annotations": [], "categories": []}),
            r"images\.0\.file_name Field required",
        ),
    ],
)
def test_a_file_of_other_content_is_refused_in_one_line(
    tree: CocoTree, content: str, problem: str
) -> None:
    tree.annotation_file("train").write_text(content)
    with pytest.raises(DatasetError, match=problem) as error:
        coco_source(tree.root, SMALL)
    assert "\n" not in str(error.value)


def test_other_categories_in_val_are_refused(tree: CocoTree) -> None:
    tree.change("val", "categories", 0, name="cat")
    with pytest.raises(DatasetError, match="train and val differ in categories"):
        coco_source(tree.root, SMALL)


def test_images_in_a_directory_of_their_own_are_found(tree: CocoTree) -> None:
    (tree.root / "images").mkdir()
    for subset in ("train2014", "val2014"):
        (tree.root / subset).rename(tree.root / "images" / subset)
    source = coco_source(tree.root, SMALL)
    assert source.read(source.splits["report"][0]).image
    (tree.root / "images/val2014").rename(tree.root / "elsewhere")
    with pytest.raises(DatasetError, match="has no directory val2014, nor images/val2014"):
        coco_source(tree.root, SMALL)
