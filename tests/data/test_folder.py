"""A folder of images with a table: classes, masks, and mistakes in the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.folder_tree import CLASS_NAMES, FolderTree, make_folder_tree
from toco_core.data.conversion.source import Source
from toco_core.data.images import decode_mask
from toco_core.data.problems import RowError
from toco_core.data.sources.folder import FolderPlaces, folder_source
from toco_core.data.sources.label_table import read_label_table
from toco_core.data.splitting import Splitting
from toco_core.data.storage import DatasetError


@pytest.fixture
def tree(tmp_path: Path) -> FolderTree:
    return make_folder_tree(tmp_path)


def listed(
    tree: FolderTree, *classes: str, tune: str = "masks:2", report: str = "masks:2"
) -> Source:
    masks = tree.root / "masks"
    places = FolderPlaces(tree.root / "images", tree.table, masks if masks.is_dir() else None)
    return folder_source(places, classes, Splitting(tune=tune, report=report))


def test_classes_are_those_of_the_table_and_masks_belong_to_tune_and_report(
    tree: FolderTree,
) -> None:
    source = listed(tree)
    assert source.class_names == CLASS_NAMES
    assert {split: len(entries) for split, entries in source.splits.items()} == {
        "train": 8,
        "tune": 2,
        "report": 2,
    }
    for split, entries in source.splits.items():
        for entry in entries:
            row, picture = source.read(entry), tree.pictures[entry.name]
            assert set(row.labels) == picture.labels
            assert row.image == tree.image(entry.name).read_bytes()
            assert (row.mask is None) == (split == "train")
            if row.mask is not None:
                assert np.array_equal(decode_mask(row.mask), picture.mask())


def test_named_classes_keep_their_order(tree: FolderTree) -> None:
    source = listed(tree, "emu", "cat", "dog", "fox")
    assert source.class_names == ("emu", "cat", "dog", "fox")
    entry = source.splits["train"][0]
    labels = {source.class_names[label - 1] for label in source.read(entry).labels}
    assert labels == {CLASS_NAMES[label - 1] for label in tree.pictures[entry.name].labels}


def test_a_label_that_is_no_class_is_named(tree: FolderTree) -> None:
    source = listed(tree, "cat", "dog")
    problems: list[RowError] = []
    for entry in source.splits["train"]:
        if "emu" in entry.labels:
            with pytest.raises(RowError, match="'emu' is no class") as error:
                source.read(entry)
            problems.append(error.value)
    assert {problem.kind for problem in problems} == {"label without a class"}


def test_without_masks_there_is_only_train(tmp_path: Path) -> None:
    source = listed(make_folder_tree(tmp_path, masks=0))
    assert list(source.splits) == ["train"]
    assert source.splitting == Splitting(tune="none", report="none")


def test_an_image_of_the_table_that_is_not_there_is_a_missing_file(tree: FolderTree) -> None:
    tree.image("animal0").unlink()
    source = listed(tree, tune="none", report="none")
    with pytest.raises(RowError, match=r"animal0\.jpg: No such file") as error:
        source.read(source.splits["train"][0])
    assert error.value.kind == "missing file"


def test_images_that_are_not_in_the_table_are_counted(tree: FolderTree) -> None:
    (tree.root / "images/stray.jpg").write_bytes(b"")
    assert listed(tree).notes == ("images with a mask: 6; images that are not in the table: 1",)


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        ("a,cat,dog\n", [("cat", "dog")]),
        ('a,"cat dog"\n', [("cat", "dog")]),
        ("name,label\na,cat\n", [("cat",)]),
        ("\ufeffName,labels\n\na, cat \nb,\n", [("cat",), ()]),
        ("a,traffic light,sea lion\n", [("traffic light", "sea", "lion")]),
    ],
)
def test_a_line_is_a_name_and_labels(
    tmp_path: Path, table: str, labels: list[tuple[str, ...]]
) -> None:
    (tmp_path / "labels.csv").write_text(table, encoding="utf-8")
    lines = read_label_table(tmp_path / "labels.csv", ["traffic light"])
    assert [line.labels for line in lines] == labels
    assert [line.name for line in lines] == ["a", "b"][: len(labels)]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (b"", "names no image"),
        (b"name,label\n", "names no image"),
        (b"animal0,cat\nanimal0.jpg,dog\n", "names 'animal0' twice"),
        (b'animal0,"cat\n', "is no CSV file"),
        (b"animal0,\xff\n", "is not a text in UTF-8"),
        (b"animal0\n", "there are 0 classes, not 1 to 254"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tree: FolderTree, table: bytes, problem: str) -> None:
    tree.table.write_bytes(table)
    with pytest.raises(DatasetError, match=problem):
        listed(tree)


def test_a_class_twice_is_refused(tree: FolderTree) -> None:
    with pytest.raises(DatasetError, match="cat, dog, cat are not each named once"):
        listed(tree, "cat", "dog", "cat")


def test_a_missing_directory_is_refused(tree: FolderTree, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"there is no directory .*nowhere"):
        folder_source(FolderPlaces(tmp_path / "nowhere", tree.table, None))
