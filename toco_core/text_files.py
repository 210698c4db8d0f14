"""Text as editors and spreadsheets write it, and the characters that a line of it cannot hold."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Line breaks, NUL and their like, and halves of characters, which no file holds as text.
CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")


def decode_text(content: bytes, name: str | Path) -> str:
    """Decode UTF-8, or UTF-16 that begins with its mark, as spreadsheets and Notepad write it.

    Args:
        content: of a file.
        name: what the error calls the file.

    Raises:
        ValueError: it is neither.
    """
    encoding = "utf-16" if content.startswith(UTF16_MARKS) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not a text in UTF-8: save it as such") from None
    if "\0" in text:
        raise ValueError(f"{name} is not a text in UTF-8, it holds NUL: save it as such")
    return text


def has_control(text: str) -> bool:
    """Whether a text holds a line break, NUL, or another character that no line of text shows."""
    return CONTROL.search(text) is not None
