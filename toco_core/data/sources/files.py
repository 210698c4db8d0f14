"""Files of a source, whose absence is named."""

from __future__ import annotations

from pathlib import Path

from toco_core.data.problems import RowError
from toco_core.data.storage import DatasetError
from toco_core.text_files import decode_text


def read_part(root: Path, path: str) -> bytes:
    """Return the content of a file that belongs to one image.

    Raises:
        RowError: it cannot be read.
    """
    try:
        return (root / path).read_bytes()
    except OSError as error:
        raise RowError("missing file", f"{path}: {error.strerror}") from error


def read_listing(path: Path) -> bytes:
    """Return the content of a file that the whole source depends on.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def read_text(path: Path) -> str:
    """Return the text of a file that the whole source depends on.

    Raises:
        DatasetError: it cannot be read, or is neither UTF-8 nor UTF-16 that says so.
    """
    content = read_listing(path)
    try:
        return decode_text(content, path)
    except ValueError as error:
        raise DatasetError(str(error)) from error
