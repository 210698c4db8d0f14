"""PartScenes as a dataset: drawn once from a seed, in parallel, into Parquet like every other."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from toco_core.data.conversion.run import Progress, convert
from toco_core.data.conversion.source import Source
from toco_core.data.images import encode_mask
from toco_core.data.partscenes.classes import CLASS_NAMES
from toco_core.data.partscenes.scene import draw_scene
from toco_core.data.schema import INFO_FILE
from toco_core.data.shards import Row

# Raise it when the same seed draws other pictures: a cache of older ones is then not used.
DRAWING_VERSION = 3
JPEG_QUALITY = 92


class SceneEntry(NamedTuple):
    """A scene to draw."""

    name: str
    split: str
    number: int


@dataclass(frozen=True, kw_only=True)
class PartScenes:
    """Which PartScenes: its seed, the side of its pictures in px, and the size of each split."""

    seed: int = 0
    size: int = 64
    splits: dict[str, int] = field(
        default_factory=lambda: {"train": 2000, "tune": 160, "report": 400}
    )

    @property
    def directory_name(self) -> str:
        counts = "-".join(f"{split}{count}" for split, count in self.splits.items())
        return f"partscenes-v{DRAWING_VERSION}-seed{self.seed}-{self.size}px-{counts}"


def default_cache() -> Path:
    """Return the user's cache directory for data that this package draws."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toco"


def ensure_partscenes(
    options: PartScenes | None = None, cache: Path | None = None, progress: Progress | None = None
) -> Path:
    """Return the directory of a PartScenes dataset, drawing it first if the cache lacks it.

    Two processes that draw at once do not meet: each draws beside the cache, and the first one to
    end moves in.
    """
    options = options or PartScenes()
    target = (cache or default_cache()) / options.directory_name
    if (target / INFO_FILE).is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    drawn = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        write_partscenes(drawn, options, progress)
        with contextlib.suppress(OSError):  # another process was first; its pictures are the same
            drawn.rename(target)
    finally:
        shutil.rmtree(drawn, ignore_errors=True)
    return target


def write_partscenes(root: Path, options: PartScenes, progress: Progress | None = None) -> None:
    """Draw the dataset into `root`, on all cores."""
    convert(
        partscenes_source(options),
        root,
        processes=os.cpu_count() or 1,
        overwrite=True,
        progress=progress,
    )


def partscenes_source(options: PartScenes) -> Source:
    """List the scenes, which are drawn when they are read.

    The `train` split gets no masks: training could not use them by mistake.
    """
    return Source(
        description=f"PartScenes v{DRAWING_VERSION}, seed {options.seed}, {options.size} px",
        class_names=CLASS_NAMES,
        splits={
            split: [SceneEntry(f"{split}-{number:06d}", split, number) for number in range(count)]
            for split, count in options.splits.items()
        },
        read=partial(_row, options),
    )


def _row(options: PartScenes, entry: SceneEntry) -> Row:
    scene = draw_scene(options.seed, entry.split, entry.number, options.size)
    buffer = io.BytesIO()
    Image.fromarray(scene.image).save(buffer, format="JPEG", quality=JPEG_QUALITY)
    mask = None if entry.split == "train" else encode_mask(scene.mask)
    return Row(name=entry.name, image=buffer.getvalue(), labels=scene.labels, mask=mask)
