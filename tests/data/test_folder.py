"""A folder of images with a table: classes, masks, and mistakes in the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.data.folder_tree import CLASS_NAMES, FolderTree, make_folder_tree
from tests.data.noise_dataset import encode
from toco_core.data.conversion.source import Source
from toco_core.data.images import decode_mask
from toco_core.data.problems import RowError
from toco_core.data.schema import default_palette
from toco_core.data.sources.folder import FolderPlaces, folder_source
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
    assert "images with a mask: 6; images that are not in the table: 1" in listed(tree).notes


def masks(source: Source) -> dict[str, str | None]:
    return {
        entry.name: entry.mask
        for split in ("tune", "report")
        for entry in source.splits.get(split, ())
    }


def test_masks_are_found_in_any_letters_and_with_an_ending(tree: FolderTree) -> None:
    root = tree.root / "masks"
    (root / "animal0.png").rename(root / "animal0.PNG")
    (root / "animal2.png").rename(root / "Animal2.Png")
    (root / "animal4.png").rename(root / "animal4_mask.png")
    (root / "wild/animal1.png").rename(root / "wild/ANIMAL1_MASK.PNG")
    source = listed(tree, tune="masks:3", report="masks")
    assert masks(source) == {
        "animal0": "animal0.PNG",
        "animal2": "Animal2.Png",
        "animal4": "animal4_mask.png",
        "wild/animal1": "wild/ANIMAL1_MASK.PNG",
        "wild/animal3": "wild/animal3.png",
        "wild/animal5": "wild/animal5.png",
    }
    for entry in (*source.splits["tune"], *source.splits["report"]):
        mask = source.read(entry).mask
        assert mask is not None
        assert np.array_equal(decode_mask(mask), tree.pictures[entry.name].mask())


def test_files_that_are_masks_of_no_image_are_counted_and_one_is_named(tree: FolderTree) -> None:
    root = tree.root / "masks"
    for name in ("cow.png", "animal6.tif", "._animal8.png", ".DS_Store", "Thumbs.db"):
        (root / name).write_bytes(b"")
    assert (
        "files among the masks that are of no image of the table: 2, such as animal6.tif"
        in listed(tree).notes
    )


def test_masks_of_which_none_is_that_of_an_image_are_refused(tree: FolderTree) -> None:
    root = tree.root / "masks"
    for path in [path for path in root.rglob("*") if path.is_file()]:
        path.rename(path.with_name(f"seg_{path.name}"))
    with pytest.raises(
        DatasetError, match=r"none of 6 files, such as seg_animal0\.png, is the mask"
    ):
        listed(tree)
    assert list(listed(tree, tune="none", report="none").splits) == ["train"]


def test_a_mask_that_may_be_of_two_images_is_refused(tree: FolderTree) -> None:
    for name in ("animal0", "ANIMAL0"):
        (tree.root / f"images/{name}.jpg").write_bytes(tree.image("animal2").read_bytes())
    tree.table.write_text("animal0,cat\nANIMAL0,cat\nanimal2,cat\n")
    (tree.root / "masks/animal0.png").rename(tree.root / "masks/Animal0.png")
    with pytest.raises(DatasetError, match=r"Animal0\.png may be the mask of 'animal0' or of 'ANI"):
        listed(tree)
    (tree.root / "masks/Animal0.png").rename(tree.root / "masks/animal0.png")
    assert "ANIMAL0" not in masks(listed(tree, tune="masks:1", report="masks:1"))


def test_an_image_whose_name_ends_like_that_of_a_mask_keeps_its_own(tree: FolderTree) -> None:
    (tree.root / "images/animal0_mask.jpg").write_bytes(tree.image("animal0").read_bytes())
    tree.table.write_text("animal0,cat\nanimal0_mask,cat\nanimal2,dog\n")
    (tree.root / "masks/animal0.png").rename(tree.root / "masks/animal0_mask.png")
    assert masks(listed(tree, tune="masks:1", report="masks:1")) == {
        "animal0_mask": "animal0_mask.png",
        "animal2": "animal2.png",
    }


def test_clutter_of_a_system_is_no_image(tree: FolderTree) -> None:
    (tree.root / "images/__MACOSX").mkdir()
    for name in ("._animal0.jpg", "__MACOSX/._animal0.jpg", ".hidden.png"):
        (tree.root / "images" / name).write_bytes(b"")
    assert "images with a mask: 6; images that are not in the table: 0" in listed(tree).notes


@pytest.mark.parametrize("name", ["./animal0.jpg", "animal0.JPG", "Animal0", ".//animal0"])
def test_the_file_of_an_image_is_found_however_the_table_writes_it(
    tree: FolderTree, name: str
) -> None:
    tree.table.write_text(f"{name},cat\n")
    (entry,) = listed(tree, tune="none", report="none").splits["train"]
    assert entry.path == "animal0.jpg"


def test_an_umlaut_is_one_however_a_system_writes_it(tree: FolderTree) -> None:
    content = tree.image("animal0").read_bytes()
    (tree.root / "images/K\u0061\u0308fer.jpg").write_bytes(content)  # as macOS does
    tree.table.write_text("K\u00e4fer.jpg,cat\n")
    source = listed(tree, tune="none", report="none")
    assert source.read(source.splits["train"][0]).image == content


def test_a_path_of_windows_is_one_below_the_directory(tree: FolderTree) -> None:
    tree.table.write_text("wild\\animal1.jpg,cat\n")
    (entry,) = listed(tree, tune="none", report="none").splits["train"]
    assert (entry.name, entry.path) == ("wild/animal1", "wild/animal1.jpg")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../secret.png", r"image '../secret' cannot name a file below a directory"),
        ("wild/../../secret.png", "cannot name a file below a directory"),
        ("/etc/secret.png", "image '/etc/secret' cannot name a file below a directory"),
        ("..\\secret.png", "cannot name a file below a directory"),
        ("", "image '' cannot name a file below a directory"),
        ("a" * 300, r"image 'a+\.\.\.a+' has a name of more than 230 bytes"),
        ("ä" * 120, "has a name of more than 230 bytes"),
        ('"an\nimal0"', r"image 'an\\nimal0' has a character in its name that is none of a text"),
    ],
)
def test_a_name_that_cannot_be_that_of_a_row_is_refused_before_anything_is_read(
    tree: FolderTree, name: str, problem: str
) -> None:
    tree.table.write_text(f"animal0,cat\n{name},dog\n")
    with pytest.raises(DatasetError, match=rf"labels\.csv: .*{problem}") as error:
        listed(tree, tune="none", report="none")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def recode(tree: FolderTree, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Write the masks of a tree in another way."""
    for path in (tree.root / "masks").rglob("*.png"):
        path.write_bytes(encode(change(decode_mask(path.read_bytes()))))


def first_mask(source: Source) -> tuple[str, np.ndarray]:
    entry = source.splits["tune"][0]
    mask = source.read(entry).mask
    assert mask is not None
    return entry.name, decode_mask(mask)


PALETTE = np.array(default_palette(255), np.uint8)


def test_masks_in_the_colours_of_voc_are_read_as_their_labels(tree: FolderTree) -> None:
    recode(tree, lambda mask: PALETTE[np.where(mask == 2, 255, mask)])
    name, mask = first_mask(listed(tree))
    labels = tree.pictures[name].mask()
    assert np.array_equal(mask, np.where(labels == 2, 255, labels))


@pytest.mark.parametrize(
    ("colours", "kind", "problem"),
    [
        (
            lambda mask: np.where(mask[..., None] > 0, [1, 2, 3], [0, 0, 0]).astype(np.uint8),
            "label without a class",
            r"colour \(1, 2, 3\) of the mask is none of VOC's palette for 0\.\.3 and 255",
        ),
        (
            lambda mask: PALETTE[np.where(mask > 0, 4, 0)],  # of a class that is not there
            "label without a class",
            r"colour \(0, 0, 128\) of the mask",
        ),
        (
            lambda mask: np.dstack([PALETTE[mask], np.uint8(255) - mask]),
            "corrupt mask",
            "a mask has no transparent pixels",
        ),
    ],
)
def test_other_colours_are_refused_by_name(
    tree: FolderTree,
    colours: Callable[[np.ndarray], np.ndarray],
    kind: str,
    problem: str,
) -> None:
    recode(tree, colours)
    with pytest.raises(RowError, match=problem) as error:
        first_mask(listed(tree))
    assert error.value.kind == kind


@pytest.mark.parametrize(
    "coded",
    [
        lambda mask: np.where(mask > 0, 255, 0).astype(np.uint8),
        lambda mask: np.where(mask[..., None] > 0, [255] * 3, [0] * 3).astype(np.uint8),
    ],
)
def test_a_value_may_stand_for_the_one_class(
    tree: FolderTree, coded: Callable[[np.ndarray], np.ndarray]
) -> None:
    tree.table.write_text("".join(f"{name},cat\n" for name in tree.pictures))
    recode(tree, coded)
    places = FolderPlaces(tree.root / "images", tree.table, tree.root / "masks")
    source = folder_source(places, (), Splitting(tune="masks:2", report="masks:2"), 255)
    name, mask = first_mask(source)
    assert np.array_equal(mask, tree.pictures[name].mask() > 0)
    with pytest.raises(DatasetError, match="--foreground is for one class, not for 3"):
        folder_source(places, ("cat", "dog", "emu"), Splitting(tune="none", report="none"), 255)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (b"", "names no image"),
        (b"name,label\n", "names no image"),
        (
            b"animal0,cat\nanimal0.jpg,dog\n",
            "line 2: 'animal0' has line 1 already; give each image one line with all its labels, "
            "here animal0,cat,dog",
        ),
        (b"animal0.jpg,cat\nanimal0.png,cat\n", "line 2: animal0.png and animal0.jpg of line 1"),
        (b"images/animal0.jpg,cat\n", "none of its 1 names, such as 'images/animal0'.* 'animal0"),
        (b'{"animal0": ["cat"]}', "is JSON"),
        (b'animal0,"cat\n', "is no CSV file"),
        (b"animal0,\xff\n", "is not a text in UTF-8"),
        (b"animal0\0,cat\n", "is not a text in UTF-8, it holds NUL"),
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


@pytest.mark.parametrize(
    ("table", "classes", "problem"),
    [
        ("animal0,background\n", (), r"labels\.csv: 'background' is no class"),
        ("animal0,cat\n", ("_background_", "cat"), "--classes: '_background_' is no class"),
        ("animal0,cat\nanimal2,Cat\n", (), "'Cat' and 'cat' would be two classes"),
        ("animal0,cat\n", ("cat,coffee cup",), "--classes 'cat,coffee cup' is one class: put"),
    ],
)
def test_classes_that_nobody_means_are_refused(
    tree: FolderTree, table: str, classes: tuple[str, ...], problem: str
) -> None:
    tree.table.write_text(table)
    with pytest.raises(DatasetError, match=problem):
        listed(tree, *classes, tune="none", report="none")


def test_classes_that_differ_in_case_are_taken_where_they_are_named(tree: FolderTree) -> None:
    tree.table.write_text("animal0,cat\nanimal2,Cat\n")
    source = listed(tree, "Cat", "cat", tune="none", report="none")
    assert source.class_names == ("Cat", "cat")


def test_classes_of_no_image_and_of_all_and_images_of_none_are_told(tree: FolderTree) -> None:
    tree.table.write_text("name,cat,dog,emu\nanimal0,1,0,0\nanimal2,1,1,0\n")
    notes = listed(tree, tune="none", report="none").notes
    assert "classes that no image shows, which nothing can learn: emu" in notes
    assert (
        "classes that each of the 2 images shows, which nothing tells from background: cat" in notes
    )
    tree.table.write_text("animal0,cat\nanimal2,\n")
    notes = listed(tree, tune="none", report="none").notes
    assert notes[-1] == "images without a class, which show background alone: 1"


def test_columns_that_may_be_no_labels_are_told(tree: FolderTree) -> None:
    tree.table.write_text("name,first,second\nanimal0,cat,dog\nanimal2,cat\n")
    notes = listed(tree, tune="none", report="none").notes
    assert any("does not say so: first, second" in note for note in notes)


def test_directories_that_are_classes_are_refused_with_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "images/cat").mkdir(parents=True)
    places = FolderPlaces(tmp_path / "images", tmp_path / "labels.csv", None)
    with pytest.raises(DatasetError, match=r"there is no table .*labels\.csv: .* not taken for"):
        folder_source(places)


def test_masks_of_neither_share_are_counted_and_looked_at(tree: FolderTree) -> None:
    source = listed(tree)
    (note,) = (note for note in source.notes if "neither tune nor report" in note)
    assert note.startswith("masks that are in neither tune nor report: 2 of 6")
    unused = [entry for entry in source.splits["train"] if entry.unused_mask]
    assert len(unused) == 2
    assert source.read(unused[0]).mask is None
    (tree.root / "masks" / unused[0].unused_mask).write_bytes(encode(np.zeros((3, 4), np.uint8)))
    with pytest.raises(RowError, match="mask") as error:
        source.read(unused[0])
    assert error.value.kind == "mask of another size"
