"""The CAMs of the same images for recipe and winner, out of what TensorBoard keeps of a search."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from platform.report.searched import Searched
from platform.results.tensorboard import TENSORBOARD_DIRECTORY, run_directory

MOST = 4  # images
_PREFIX = "images/"
_QUALITY = 82
_SIDE = 900  # px: the longer side of a picture at most


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One image, as recipe and winner see it.

    Attributes:
        name: of the image.
        views: for each of them its name and a data URI.
    """

    name: str
    views: Sequence[tuple[str, str]]


def read_pairs(searched: Searched) -> list[Pair]:
    """Read the last pictures of recipe and winner; none where TensorBoard's files are gone."""
    root = searched.directory / TENSORBOARD_DIRECTORY
    found = {
        name: _last_pictures(run_directory(root, number))
        for name, number in searched.contenders().items()
    }
    tags = sorted(set.intersection(*map(set, found.values())))[:MOST] if found else []
    return [
        Pair(
            name=tag.removeprefix(_PREFIX),
            views=[(name, data_uri(pictures[tag])) for name, pictures in found.items()],
        )
        for tag in tags
    ]


def _last_pictures(run: Path) -> dict[str, bytes]:
    found: dict[str, tuple[int, bytes]] = {}
    for path in sorted(run.glob("events.out.tfevents.*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                pictures = [one for one in value.tensor.string_val if one[:4] == b"\x89PNG"]
                is_later = event.step >= found.get(value.tag, (0, b""))[0]
                if value.tag.startswith(_PREFIX) and pictures and is_later:
                    found[value.tag] = (event.step, pictures[0])
    return {tag: picture for tag, (_, picture) in found.items()}


def data_uri(png: bytes) -> str:
    """Return a picture as a page can hold it."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
