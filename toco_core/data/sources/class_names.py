"""Classes that a table or an option names in a way that nobody means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toco_core.data.sources.folder_files import alike
from toco_core.data.sources.label_cells import SEPARATORS
from toco_core.data.storage import DatasetError

BACKGROUND = "background"


def require_plain_classes(table: Path, found: Sequence[str], given: Sequence[str]) -> None:
    """Refuse classes that are one, several in one name, or none.

    Args:
        table: for messages.
        found: the classes of the table.
        given: those of ``--classes``; empty where the table's are taken.

    Raises:
        DatasetError: names the class, and the way out.
    """
    if len(given) == 1 and len([part for part in SEPARATORS.split(given[0]) if part]) > 1:
        raise DatasetError(
            f"--classes {given[0]!r} is one class: put spaces between classes, and quotes around a "
            "name that has one itself: --classes cat 'coffee cup'"
        )
    names = given or found
    background = [name for name in names if name.casefold().strip("_ ") == BACKGROUND]
    if background:
        raise DatasetError(
            f"{'--classes' if given else table}: {background[0]!r} is no class but what is left, 0 "
            "in the masks; leave it out: an image without a label shows background alone"
        )
    first: dict[str, str] = {}
    for name in () if given else found:
        other = first.setdefault(alike(name), name)
        if other != name:
            raise DatasetError(
                f"{table}: {other!r} and {name!r} would be two classes; write both in one way, or "
                "give all classes to --classes"
            )
