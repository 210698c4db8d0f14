"""A source: what becomes of it in each split, and how one image of it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from toco_core.data.names import row_name_problem
from toco_core.data.schema import MOST_CLASSES
from toco_core.data.shards import Row
from toco_core.data.splitting import Splitting
from toco_core.data.storage import DatasetError
from toco_core.messages import shown
from toco_core.text_files import has_control


class Entry(Protocol):
    """One image to be read: a named tuple of what JSON knows, so that it can be hashed."""

    @property
    def name(self) -> str:
        """Name of the row."""
        ...


@dataclass(frozen=True, kw_only=True)
class Source:
    """A listing of images, whose files are not opened yet.

    Attributes:
        description: where the images come from, for tables and the report.
        class_names: C names, without background.
        splits: the images of each split, in the order of their rows.
        read: reads an image and may raise `RowError`; it is pickled, entries are its argument.
        splitting: how `tune` and `report` were chosen; None where the source says it.
        has_mask_files: whether masks are files of the user's, not drawn here from the labels.
        reading: what else decides how an image is read, so that another reading is another source.
        notes: what a person should know about the listing.
    """

    description: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Sequence[Any]]
    read: Callable[[Any], Row]
    splitting: Splitting | None = None
    has_mask_files: bool = False
    reading: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_classes(self.description, self.class_names)
        for split, entries in self.splits.items():
            _require_names(self.description, split, entries)

    @property
    def images(self) -> int:
        """Number of images of all splits."""
        return sum(map(len, self.splits.values()))


def _require_classes(source: str, names: Sequence[str]) -> None:
    if not 1 <= len(names) <= MOST_CLASSES:
        raise DatasetError(f"{source}: there are {len(names)} classes, not 1 to {MOST_CLASSES}")
    odd = [name for name in names if has_control(name)]
    if odd:
        raise DatasetError(
            f"{source}: class {shown(odd[0])} has a character in its name that is none of a text"
        )
    if len(set(names)) < len(names) or not all(names):
        twice = next((name for name in names if not name or names.count(name) > 1), "")
        raise DatasetError(
            f"{source}: the classes {', '.join(names)} are not each named once: {twice!r}"
        )


def _require_names(source: str, split: str, entries: Sequence[Entry]) -> None:
    if not entries:
        raise DatasetError(f"{source}: split {split} has no images")
    seen: set[str] = set()
    for entry in entries:
        if problem := row_name_problem(entry.name):
            raise DatasetError(f"{source}: split {split}: {problem}")
        if entry.name in seen:
            raise DatasetError(f"{source}: split {split} has two images named {entry.name!r}")
        seen.add(entry.name)
