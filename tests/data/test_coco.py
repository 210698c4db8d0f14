"""COCO 2014: dense labels, masks drawn from instances, and each mistake in its files named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from tests.data.coco_tree import ABSENT, CLASS_NAMES, CocoTree, make_coco_tree
from tests.data.pictures import turned
from toco_core.data.images import decode_mask
from toco_core.data.problems import RowError
from toco_core.data.sources.coco import coco_source
from toco_core.data.sources.coco_masks import Region, draw_mask
from toco_core.data.sources.run_lengths import run_length_pixels
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


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_packed_run_lengths_are_those_that_pycocotools_packs(share: float) -> None:
    random = np.random.default_rng(0)
    for height, width in ((1, 1), (6, 8), (200, 333)):
        pixels = random.random((height, width)) < share
        packed: Any = coco_mask.encode(np.asfortranarray(pixels, np.uint8))
        drawn = run_length_pixels(packed["counts"].decode(), height, width)
        assert np.array_equal(drawn, pixels)


def test_packed_run_lengths_that_do_not_fill_the_image_are_refused() -> None:
    packed: Any = coco_mask.encode(np.asfortranarray(np.ones((5, 8)), np.uint8))
    segmentation = {"size": [6, 8], "counts": packed["counts"].decode()}
    with pytest.raises(RowError, match="its run lengths are not of 6 x 8 px"):
        draw_mask([Region(1, False, 9.0, segmentation)], {1: 1}, 6, 8)


@pytest.mark.parametrize("area", [None, 0.0, -1.0, math.nan, math.inf])
def test_without_an_area_the_pixels_are_counted(area: float | None) -> None:
    table = [[0.0, 0.0, 8.0, 0.0, 8.0, 6.0, 0.0, 6.0]]
    cup = [[2.0, 2.0, 4.0, 2.0, 4.0, 4.0, 2.0, 4.0]]
    expected = np.ones((6, 8), np.uint8)
    expected[2:4, 2:4] = 2
    regions = [Region(7, False, area, table), Region(9, False, area, cup)]
    for order in (regions, regions[::-1], [regions[0]._replace(area=48.0), regions[1]]):
        assert np.array_equal(draw_mask(order, {7: 1, 9: 2}, 6, 8), expected)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [6, 8], "counts": [3, 3]},
        {"size": [8, 6], "counts": [48]},
        {"counts": [48]},
        {"size": [6, 8], "counts": "zzzz"},
        {"size": [6, 8], "counts": [-8, 56]},
        {"size": [6, 8], "counts": [2**40, 48 - 2**40]},
        {"size": [6, 8], "counts": [2**70]},
        {"size": [6, 8], "counts": [24.5, 23.5]},
        {"size": [6, 8], "counts": None},
        {"size": [6, 8]},
        {"size": [6, 8], "counts": "`"},  # a number that does not end
        {"size": [6, 8], "counts": "o" * 100},
        {"size": [6, 8], "counts": "ä0"},
        [["a"] * 6],
        [[1, 1, 5, 1, 5, 5, 1]],
        [[[1, 1], [5, 1], [5, 5]]],
        [[1, 1, 5, 1, 5, math.nan]],
        [[1, 1, 5, 1, 5, math.inf]],
        [[1, 1, 5, 1, 1e9, 5]],
        [[1, 1, 5, 1, -1e9, 5]],
        [[1, 1, 5, 1, 10**400, 5]],
        "a drawing",
        7,
        None,
    ],
)
def test_a_segmentation_that_cannot_be_drawn_is_a_corrupt_annotation(segmentation: Any) -> None:
    for area in (9.0, None):
        with pytest.raises(RowError, match="a segmentation cannot be drawn") as error:
            draw_mask([Region(1, False, area, segmentation)], {1: 1}, 6, 8)
        assert error.value.kind == "corrupt annotation"
        assert "\n" not in error.value.detail


def test_a_polygon_may_go_a_little_out_of_the_image() -> None:
    around = [[-8.0, -8.0, 16.0, -8.0, 16.0, 16.0, -8.0, 16.0]]
    assert draw_mask([Region(1, False, 9.0, around)], {1: 1}, 6, 8).all()
    with pytest.raises(RowError, match="goes to 1e\\+09, far out of an image of 6 x 8 px"):
        draw_mask([Region(1, False, 9.0, [[1, 1, 5, 1, 5, 1e9]])], {1: 1}, 6, 8)


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


def test_an_image_whose_annotations_say_it_is_huge_takes_no_memory(tree: CocoTree) -> None:
    tree.change("val", "images", 0, height=10**9, width=10**9)
    source = coco_source(tree.root, SMALL)
    with pytest.raises(RowError, match=r"the mask is \(1000000000, 1000000000\) px") as error:
        source.read(source.splits["report"][0])
    assert error.value.kind == "mask of another size"


def test_a_turned_image_is_of_the_size_that_one_sees(tree: CocoTree) -> None:
    name, picture = next(iter(tree.val.items()))
    stored = np.rot90(picture.pixels)  # as a camera that was held on its side stores it
    tree.image(name).write_bytes(turned(stored, 6))
    source = coco_source(tree.root, SMALL)
    row = source.read(source.splits["report"][0])
    shown = validate_row(row, 4)
    assert shown is not None
    assert shown.classes == picture.labels


def test_annotations_without_what_only_masks_need_give_labels(tree: CocoTree) -> None:
    for number in range(2):
        tree.change(
            "train",
            "annotations",
            number,
            segmentation=ABSENT,
            area=None,
            iscrowd=None,
        )
    source = coco_source(tree.root, Splitting(tune="none", report="none"))
    entry = source.splits["train"][0]
    assert set(source.read(entry).labels) == tree.train[entry.name].labels
    masked = coco_source(tree.root, Splitting(tune="train", report="none"))
    with pytest.raises(RowError, match="a segmentation cannot be drawn: there is none"):
        masked.read(masked.splits["tune"][0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_annotation_file_may_begin_with_a_mark_of_its_encoding(
    tree: CocoTree, encoding: str
) -> None:
    text = tree.annotation_file("train").read_text()
    tree.annotation_file("train").write_bytes(text.encode(encoding))
    assert len(coco_source(tree.root, SMALL).splits["train"]) == 8


def test_files_of_2017_are_found(tree: CocoTree) -> None:
    later = tree.rename(2017)
    source = coco_source(later.root, SMALL)
    assert source.description == "COCO 2017"
    assert source.read(source.splits["report"][0]).image
    for subset in ("train", "val"):
        text = later.annotation_file(subset).read_text()
        tree.annotation_file(subset).write_text(text)
        (tree.root / f"{subset}2014").symlink_to(later.root / f"{subset}2017")
    with pytest.raises(DatasetError, match="is of 2014 and 2017: choose one by --year"):
        coco_source(tree.root, SMALL)
    assert coco_source(tree.root, SMALL, 2014).description == "COCO 2014"
    with pytest.raises(DatasetError, match=r"instances_train2016\.json cannot be read"):
        coco_source(tree.root, SMALL, 2016)


@pytest.mark.parametrize(
    ("key", "values", "problem"),
    [
        ("categories", {"name": "person"}, "are not each named once: 'person'"),
        ("categories", {"name": ""}, "are not each named once: ''"),
        ("categories", {"name": "a\nb"}, r"class 'a\\nb' has a character in its name that is"),
        (
            "categories",
            {"id": 1},
            r"instances_train2014\.json: two of the categories have the id 1",
        ),
        ("images", {"id": 1}, r"instances_train2014\.json: two of the images have the id 1"),
        (
            "images",
            {"file_name": "COCO_train2014_000000000001.png"},
            r"instances_train2014\.json names the image 'COCO_train2014_000000000001' twice",
        ),
        ("images", {"file_name": "../x.jpg"}, r"image '\.\./x' cannot name a file below a direct"),
        ("images", {"file_name": "/etc/x.jpg"}, "image '/etc/x' cannot name a file below a dire"),
        ("images", {"file_name": ""}, "image '' cannot name a file below a directory"),
        ("images", {"file_name": "a" * 300}, "has a name of more than 230 bytes"),
        ("images", {"file_name": "a\0.jpg"}, r"image 'a\\x00' has a character in its name"),
    ],
)
def test_what_no_dataset_can_hold_is_refused_before_anything_is_read(
    tree: CocoTree, key: str, values: dict[str, Any], problem: str
) -> None:
    tree.change("train", key, 0, **values)
    with pytest.raises(DatasetError, match=problem) as error:
        coco_source(tree.root, Splitting(tune="train:3", report="none"))
    assert "\n" not in str(error.value)


def test_more_classes_than_a_mask_has_values_are_refused(tree: CocoTree) -> None:
    content = json.loads(tree.annotation_file("train").read_text())
    content["categories"] = [{"id": key, "name": f"class {key}"} for key in range(1, 301)]
    tree.annotation_file("train").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="COCO 2014: there are 300 classes, not 1 to 254"):
        coco_source(tree.root, Splitting(tune="train:3", report="none"))


def test_categories_may_have_high_ids(tree: CocoTree) -> None:
    tree.change("train", "categories", 2, id=70_000)  # a toothbrush
    for number in range(16):
        content = json.loads(tree.annotation_file("train").read_text())
        if content["annotations"][number]["category_id"] == 90:
            tree.change("train", "annotations", number, category_id=70_000)
    source = coco_source(tree.root, Splitting(tune="train:8", report="none"))
    for entry in source.splits["tune"]:
        mask = source.read(entry).mask
        assert mask is not None
        assert np.array_equal(decode_mask(mask), tree.train[entry.name].mask())


def test_annotations_of_images_that_are_not_listed_are_told(tree: CocoTree) -> None:
    assert len(coco_source(tree.root, SMALL).notes) == 2
    tree.change("train", "annotations", 0, image_id=4711)
    notes = coco_source(tree.root, SMALL).notes
    assert "train2014: annotations are of 1 images that are not listed, such as id 4711" in notes


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
