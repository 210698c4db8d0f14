from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from platform.export.files import (
    UNCERTAIN,
    Layout,
    encode_cams,
    encode_labels,
    is_whole,
    write_whole,
)

PALETTE = [(0, 0, 0), (200, 0, 0), (0, 200, 0)]
LAYOUT = Layout(directory=Path("out"), split="train")
LABELS = np.array([[0, 1, 2], [255, 2, 1]], np.uint8)


def test_the_pixels_of_a_palette_png_are_the_labels_and_show_the_colours_of_the_dataset() -> None:
    image = Image.open(io.BytesIO(encode_labels(LABELS, PALETTE, 255)))
    assert image.mode == "P"
    assert np.array_equal(np.array(image), LABELS)
    colours = np.array(image.convert("RGB"))
    assert colours[0].tolist() == [list(colour) for colour in PALETTE]
    assert tuple(colours[1, 0]) == UNCERTAIN


def test_soft_cams_come_back_without_pickle() -> None:
    maps = np.random.default_rng(0).random((2, 5, 7), np.float32)
    content = encode_cams(maps, np.array([3, 80]))
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        assert set(arrays.files) == {"cam", "labels"}
        assert (arrays["cam"].dtype, arrays["labels"].dtype) == (np.float16, np.uint8)
        assert np.abs(arrays["cam"] - maps).max() < 1 / 2048
        assert arrays["labels"].tolist() == [3, 80]


@pytest.mark.parametrize("name", ["../other", "/etc/image", "a/../../b", "a\\b", ""])
def test_a_name_that_leads_out_of_the_directory_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        LAYOUT.file("labels", name)


def test_a_name_with_a_folder_becomes_one() -> None:
    assert LAYOUT.file("cams", "2014/a.b") == Path("out/cams/2014/a.b.npz")


def test_a_dataset_of_mmsegmentation_has_its_folders() -> None:
    layout = Layout(directory=Path("out"), split="train", format="mmseg")
    assert layout.file("images", "a") == Path("out/img_dir/train/a.png")
    assert layout.file("labels", "a") == Path("out/ann_dir/train/a.png")


@pytest.mark.parametrize("suffix", [".png", ".npz"])
@pytest.mark.parametrize("damage", ["none", "cut", "flipped", "empty", "missing"])
def test_only_a_whole_file_counts_as_there(tmp_path: Path, suffix: str, damage: str) -> None:
    path = tmp_path / f"image{suffix}"
    labels = np.random.default_rng(0).integers(0, 3, (20, 20), np.uint8)
    whole = encode_labels(labels, PALETTE, 255)
    if suffix == ".npz":
        whole = encode_cams(labels[None] / 2, np.array([1]))
    middle = whole.index(b"IDAT") + 20 if suffix == ".png" else len(whole) // 4
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    contents = {"none": whole, "cut": whole[:-30], "flipped": flipped, "empty": b""}
    if damage in contents:
        write_whole(path, contents[damage])
    assert is_whole(path) == (damage == "none")
    assert list(tmp_path.iterdir()) == ([] if damage == "missing" else [path])
