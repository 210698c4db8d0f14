"""Files of a source, whose absence is named."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from toco_core.data.problems import RowError
from toco_core.data.storage import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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
    # Spreadsheets begin a table with a mark, which tells the encoding.
    encoding = "utf-16" if content.startswith(UTF16_MARKS) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not a text in UTF-8: save it as such") from error
    if "\0" in text:
        raise DatasetError(f"{path} is not a text in UTF-8, it holds NUL: save it as such")
    return text
