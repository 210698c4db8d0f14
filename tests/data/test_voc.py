"""VOC by the convention of weak supervision, and each mistake in its tree named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.data.noise_dataset import encode
from tests.data.pictures import palette_png
from tests.data.voc_tree import VocTree, make_voc_tree, with_void
from toco_core.data.images import decode_mask
from toco_core.data.problems import RowError
from toco_core.data.schema import default_palette
from toco_core.data.sources.voc import CLASS_NAMES, voc_source
from toco_core.data.splitting import Splitting
from toco_core.data.storage import DatasetError
from toco_core.data.validation import validate_row


@pytest.fixture
def tree(tmp_path: Path) -> VocTree:
    return make_voc_tree(tmp_path)


def names(tree: VocTree, splitting: Splitting | None = None) -> dict[str, list[str]]:
    source = voc_source(tree.root, splitting) if splitting else voc_source(tree.root)
    return {split: [entry.name for entry in entries] for split, entries in source.splits.items()}


def test_train_is_train_aug_tune_is_train_and_report_is_val(tree: VocTree) -> None:
    assert names(tree) == {
        "train": list(tree.train_aug),
        "tune": list(tree.train),
        "report": list(tree.val),
    }
    assert voc_source(tree.root).description == "PASCAL VOC 2012, train_aug"


def test_without_sbd_train_is_the_list_of_voc(tmp_path: Path) -> None:
    tree = make_voc_tree(tmp_path, extra=0)
    assert names(tree)["train"] == list(tree.train)
    assert voc_source(tree.root).description == "PASCAL VOC 2012, train"


def test_an_image_of_report_is_never_trained_on(tree: VocTree) -> None:
    drawn = names(tree, Splitting(tune="val", report="train:50%", seed=1))
    assert len(drawn["report"]) == 3
    assert set(drawn["train"]) == set(tree.train_aug) - set(drawn["report"])


def test_rows_have_the_objects_as_labels_and_the_mask_where_it_is_wanted(tree: VocTree) -> None:
    source = voc_source(tree.root)
    for split, entries in source.splits.items():
        for entry in entries:
            row, picture = source.read(entry), (tree.train_aug | tree.val)[entry.name]
            assert row.image == tree.image(entry.name).read_bytes()
            assert set(row.labels) == picture.labels  # difficult ones too, and no part of them
            assert (row.mask is None) == (split == "train")
            if row.mask is not None:
                assert np.array_equal(decode_mask(row.mask), with_void(picture.mask()))


@pytest.mark.parametrize("place", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_tree_is_found_from_above(tree: VocTree, tmp_path: Path, place: str) -> None:
    assert voc_source(tmp_path / place).images == 6 + 5 + 6 + 4


def test_what_is_no_tree_is_refused(tree: VocTree, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no VOC tree: JPEGImages is neither in it"):
        voc_source(tmp_path / "elsewhere")
    (tree.root / "ImageSets/Segmentation/val.txt").unlink()
    with pytest.raises(DatasetError, match=r"val\.txt cannot be read: No such file"):
        voc_source(tree.root)


OBJECT = "<annotation><object><name>{}</name></object></annotation>"


@pytest.mark.parametrize(
    ("damage", "kind", "detail"),
    [
        (lambda tree, name: tree.image(name).unlink(), "missing file", "JPEGImages/"),
        (lambda tree, name: tree.annotation(name).unlink(), "missing file", "Annotations/"),
        (lambda tree, name: tree.mask(name).unlink(), "missing file", "SegmentationClass/"),
        (
            lambda tree, name: tree.image(name).write_bytes(tree.image(name).read_bytes()[:-400]),
            "corrupt image",
            "truncated",
        ),
        (
            lambda tree, name: tree.image(name).write_bytes(b"GIF89a"),
            "corrupt image",
            "GIF|cannot identify",
        ),
        (
            lambda tree, name: tree.mask(name).write_bytes(b"text"),
            "corrupt mask",
            "cannot identify",
        ),
        (
            lambda tree, name: tree.mask(name).write_bytes(palette_png(np.ones((5, 6), np.uint8))),
            "mask of another size",
            r"the mask is \(5, 6\) px, the image \(",
        ),
        (
            lambda tree, name: tree.annotation(name).write_text(OBJECT.format("unicorn")),
            "label without a class",
            "'unicorn' is no class of VOC",
        ),
        (
            lambda tree, name: tree.annotation(name).write_text("<annotation>"),
            "corrupt annotation",
            "no element found",
        ),
        (
            lambda tree, name: tree.annotation(name).write_text(
                '<?xml version="1.0" encoding="klingon"?><annotation/>'
            ),
            "corrupt annotation",
            "unknown encoding: klingon",
        ),
        (
            lambda tree, name: tree.annotation(name).write_text(OBJECT.format("u" * 10_000)),
            "label without a class",
            r"'u{1,60}\.\.\.u{1,60}' is no class of VOC",
        ),
        (
            lambda tree, name: tree.annotation(name).write_text("<annotation/>"),
            "corrupt annotation",
            "it has no object",
        ),
    ],
)
def test_a_bad_image_is_named_by_its_kind(
    tree: VocTree, damage: Callable[[VocTree, str], object], kind: str, detail: str
) -> None:
    source = voc_source(tree.root)
    first, bad, *_ = source.splits["tune"]
    damage(tree, bad.name)
    validate_row(source.read(first), len(CLASS_NAMES))
    with pytest.raises(RowError, match=detail) as error:
        validate_row(source.read(bad), len(CLASS_NAMES))
    assert error.value.kind == kind


def test_a_mask_with_a_label_of_no_class_is_named(tree: VocTree) -> None:
    source = voc_source(tree.root)
    bad = source.splits["tune"][0]
    mask = tree.train[bad.name].mask()
    mask[0, 0] = 21
    tree.mask(bad.name).write_bytes(palette_png(mask))
    with pytest.raises(RowError, match=r"label 21 of the mask is neither 0\.\.20 nor 255"):
        validate_row(source.read(bad), len(CLASS_NAMES))


OWN = ("helmet", "vest", "glove")


def own_tree(place: Path) -> VocTree:
    """Return a tree of the first three classes, which are called otherwise."""
    tree = make_voc_tree(place, classes=3)
    for path in (tree.root / "Annotations").iterdir():
        text = path.read_text()
        for theirs, ours in zip(CLASS_NAMES, OWN, strict=False):
            text = text.replace(f"<name>{theirs}<", f"<name>{ours}<")
        path.write_text(text)
    return tree


def test_a_tree_of_other_classes_says_what_to_do(tmp_path: Path) -> None:
    source = voc_source(own_tree(tmp_path).root)
    with pytest.raises(RowError, match=r"'\w+' is no class of VOC; .* needs --classes with all of"):
        source.read(source.splits["train"][0])


def test_a_tree_of_other_classes_is_taken_with_their_names(tmp_path: Path) -> None:
    tree = own_tree(tmp_path)
    source = voc_source(tree.root, classes=OWN)
    assert (source.class_names, source.description) == (OWN, "a tree like VOC, train_aug")
    for entry in source.splits["report"]:
        row = source.read(entry)
        assert set(row.labels) == tree.val[entry.name].labels
        shown = validate_row(row, len(OWN))
        assert shown is not None
        assert shown.classes == tree.val[entry.name].labels
    fewer = voc_source(tree.root, classes=OWN[:2])
    third = next(one for one in fewer.splits["train"] if 3 in tree.train_aug[one.name].labels)
    with pytest.raises(RowError, match="'glove' is none of --classes"):
        fewer.read(third)


def test_masks_in_the_colours_of_voc_are_its_labels(tree: VocTree) -> None:
    source = voc_source(tree.root)
    first, other = source.splits["tune"][:2]
    before = source.read(first).mask
    assert before is not None
    coloured = np.array(default_palette(255), np.uint8)[decode_mask(before)]
    tree.mask(first.name).write_bytes(encode(coloured))
    after = source.read(first).mask
    assert after is not None
    assert np.array_equal(decode_mask(after), decode_mask(before))
    coloured[3, 4] = (7, 8, 9)
    tree.mask(other.name).write_bytes(encode(coloured))
    with pytest.raises(RowError, match=r"colour \(7, 8, 9\) of the mask is none of VOC's palette"):
        source.read(other)


def test_a_value_may_stand_for_the_one_class(tmp_path: Path) -> None:
    tree = make_voc_tree(tmp_path, classes=2)
    for name in tree.train | tree.val:
        labels = (tree.train | tree.val)[name].mask()
        tree.mask(name).write_bytes(palette_png(np.where(labels > 0, 255, 0).astype(np.uint8)))
        tree.annotation(name).write_text(OBJECT.format("helmet"))
    source = voc_source(tree.root, classes=["helmet"], foreground=255)
    entry = source.splits["report"][0]
    mask = source.read(entry).mask
    assert mask is not None
    assert np.array_equal(decode_mask(mask), tree.val[entry.name].mask() > 0)
    with pytest.raises(DatasetError, match="--foreground is for one class, not for 20"):
        voc_source(tree.root, foreground=255)


def test_files_that_a_system_leaves_are_no_images(tree: VocTree) -> None:
    augmented = tree.root / "SegmentationClassAug"
    (augmented / "._2007_000001.png").write_bytes(b"Mac OS X")
    last = sorted(tree.extra)[-1]
    (augmented / f"{last}.png").rename(augmented / f"{last}.PNG")
    assert names(tree)["train"] == list(tree.train_aug)


@pytest.mark.parametrize("name", ["../../secret", "/etc/secret", "a/../../b"])
def test_a_name_of_a_list_that_leads_out_of_the_tree_is_refused(tree: VocTree, name: str) -> None:
    (tree.root / "ImageSets/Segmentation/val.txt").write_text(f"{name}\n")
    with pytest.raises(DatasetError, match=rf"image '{name}' cannot name a file below a directory"):
        voc_source(tree.root)


def test_a_name_of_a_list_may_have_spaces(tree: VocTree) -> None:
    first, second = list(tree.val)[:2]
    tree.image(first).rename(tree.image("my photo 1"))
    (tree.root / "ImageSets/Segmentation/val.txt").write_text(f"./my photo 1\n{second} -1\n")
    assert names(tree)["report"] == ["my photo 1", second]
