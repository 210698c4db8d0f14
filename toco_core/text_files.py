"""Text as editors and spreadsheets write it, and values in a message, however long they are."""

from __future__ import annotations

import codecs
import reprlib
from pathlib import Path
from typing import Any

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MOST_BITS = 256  # of a number that is shown in digits


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


def shown(value: Any) -> str:
    """Return a value as a message shows it: its beginning, if there is much of it.

    What a YAML file says in 300 bytes may be 10^8 values, since it can name one of them often.
    """
    return _SHORT.repr(value)


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 6
        self.maxstring = self.maxother = self.maxlong = 120

    def repr_int(self, x: int, level: int) -> str:
        # Python itself refuses to write a number of thousands of digits.
        if x.bit_length() > MOST_BITS:
            return f"a number of {x.bit_length()} bits"
        return super().repr_int(x, level)


_SHORT = _Short()
