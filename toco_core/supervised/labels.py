"""Where the labels of training images come from: files of pseudo-labels, or the split's masks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from toco_core.data.images import DECODE_ERRORS, decode_mask
from toco_core.data.reader import ParquetSplit
from toco_core.data.schema import DatasetInfo
from toco_core.data.storage import DatasetError
from toco_core.messages import first_line

MASKS_PURPOSE = "training of a second stage"  # as the ledger shows it


class Labels(Protocol):
    """The labels of some images of a split."""

    @property
    def indices(self) -> Sequence[int]:
        """Rows of the split that have labels: those that are trained on."""
        ...

    def read(self, split: ParquetSplit, index: int) -> Image.Image:
        """Return the labels of an image, (H, W) of mode L: 0..C and the ignore index.

        Raises:
            DatasetError: they are missing, unreadable, of another size, or foreign.
        """
        ...


@dataclass(frozen=True)
class LabelFiles:
    """Palette or grey PNGs, by the row of their image. No mask is opened."""

    files: Mapping[int, Path]

    @property
    def indices(self) -> Sequence[int]:
        return sorted(self.files)

    def read(self, split: ParquetSplit, index: int) -> Image.Image:
        row = split.row(index)
        size = row.height, row.width
        return Image.fromarray(read_labels(self.files[index], size, split.info))


@dataclass(frozen=True)
class SplitMasks:
    """The masks of the split itself, which the ledger counts."""

    images: int

    @property
    def indices(self) -> Sequence[int]:
        return range(self.images)

    def read(self, split: ParquetSplit, index: int) -> Image.Image:
        (mask,) = split.masks([index], purpose=MASKS_PURPOSE)
        return Image.fromarray(mask.numpy().astype(np.uint8))


def read_labels(path: Path, size: tuple[int, int], info: DatasetInfo) -> NDArray[np.uint8]:
    """Read a PNG of labels.

    Args:
        path: of the file.
        size: height and width of its image, px.
        info: of the dataset, for the labels that may be.

    Returns:
        (H, W) labels.

    Raises:
        DatasetError: it cannot be read, is of another size, or has a label that is no class.
    """
    try:
        labels = decode_mask(path.read_bytes())
    except DECODE_ERRORS as error:
        raise DatasetError(f"{path}: the labels cannot be read: {first_line(error)}") from error
    if labels.shape != size:
        raise DatasetError(
            f"{path}: the labels are {_size(labels.shape)} px, their image is {_size(size)} px: "
            "export the labels of this dataset"
        )
    foreign = labels[(labels > info.num_classes) & (labels != info.ignore_index)]
    if foreign.size:
        raise DatasetError(
            f"{path}: label {foreign[0]} is neither 0..{info.num_classes} nor "
            f"{info.ignore_index}: export the labels of a network of these classes"
        )
    return labels


@dataclass(frozen=True, kw_only=True)
class LabelSurvey:
    """What all files of labels are: their hash, and how many pixels have each label."""

    sha256: str
    pixels: NDArray[np.int64]  # (256,)

    def share(self, label: int) -> float:
        """Return the share of the pixels that have a label."""
        return float(self.pixels[label] / self.pixels.sum())


def survey(
    labels: LabelFiles, split: ParquetSplit, progress: Callable[[int, int], None] | None = None
) -> LabelSurvey:
    """Read every file once: what is wrong with one is said before hours of training.

    Args:
        labels: the files.
        split: of their images; no mask of it is opened.
        progress: is told how many files are read, of how many.

    Raises:
        DatasetError: names the first file that is not the labels of its image.
    """
    digest, pixels = hashlib.sha256(), np.zeros(256, np.int64)
    for done, index in enumerate(labels.indices):
        read = np.asarray(labels.read(split, index))
        digest.update(split.row(index).name.encode() + b"\0" + read.tobytes())
        pixels += np.bincount(read.ravel(), minlength=256)
        if progress is not None:
            progress(done + 1, len(labels.files))
    return LabelSurvey(sha256=digest.hexdigest(), pixels=pixels)


def _size(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))
