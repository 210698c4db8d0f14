"""The files of an export: where they lie, how they are encoded, and which are there already."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from platform.export.options import Format, Kind
from toco_core.data.images import DECODE_ERRORS
from toco_core.data.names import row_name_problem
from toco_core.data.schema import Colour
from toco_core.files import replacing

SUFFIXES: Mapping[Kind, str] = {
    "labels": ".png",
    "cams": ".npz",
    "overlays": ".png",
    "images": ".png",
}
# What mmsegmentation calls the folders of its own data sets.
MMSEG_FOLDERS: Mapping[Kind, str] = {"images": "img_dir", "labels": "ann_dir"}
UNCERTAIN: Colour = (224, 224, 192)  # the colour that PASCAL VOC gives to its ignored pixels


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the files of an export lie: in a folder for each kind, as the format has it."""

    directory: Path
    split: str
    format: Format = "files"

    def file(self, kind: Kind, name: str) -> Path:
        """Return the path of an image's file.

        Raises:
            ValueError: the image's name would lead out of the directory, or is none of a file.
        """
        if problem := row_name_problem(name):
            raise ValueError(f"{self.directory}: {problem}")
        return self.folder(kind) / f"{name}{SUFFIXES[kind]}"

    def folder(self, kind: Kind) -> Path:
        """Return the folder of all files of a kind."""
        if self.format == "mmseg":
            return self.directory / MMSEG_FOLDERS[kind] / self.split
        return self.directory / kind


def is_whole(path: Path) -> bool:
    """Whether a file is there and its checksums agree, without decoding it."""
    if not path.is_file():
        return False
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        with Image.open(path) as image:
            image.verify()
    except (*DECODE_ERRORS, zipfile.BadZipFile):
        return False
    return True


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; whoever looks at `path` sees nothing, or the whole of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)


def encode_image(pixels: NDArray[np.uint8]) -> bytes:
    """Encode (H, W, 3) pixels as PNG, which loses nothing."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def encode_labels(labels: NDArray[np.uint8], palette: Sequence[Colour], ignore_index: int) -> bytes:
    """Encode (H, W) labels as a palette PNG, whose pixels are the labels."""
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    colours[ignore_index] = UNCERTAIN
    image = Image.fromarray(labels)
    image.putpalette(colours.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def encode_cams(maps: NDArray[np.floating], labels: NDArray[np.integer]) -> bytes:
    """Encode maps (K, H, W) in 0..1 and their labels (K,) as a compressed .npz without pickle.

    Half precision is exact to 1/2048 near 1, half a step of the grid of thresholds.
    """
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        cam=maps.astype(np.float16),
        labels=labels.astype(np.uint8, casting="unsafe"),
    )
    return buffer.getvalue()
