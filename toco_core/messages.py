"""Values and errors as a message shows them: in one line, however much of them there is."""

from __future__ import annotations

import re
import reprlib
from typing import Any

from pydantic import ValidationError

MOST_BITS = 256  # of a number that is shown in digits
# `<_io.BytesIO object at 0x7f30dd331260>`, which Pillow puts in place of the name of a file.
ADDRESS = re.compile(r" ?<[\w.]+ object at 0x[0-9a-f]+>")


def shortened(text: str, most: int) -> str:
    """Return a text in one line of at most so many characters, and dots where there are more."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}..."


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its type.

    An object by its place in memory is left out: it says nothing, and is another at each run.
    """
    line = next(iter(str(error).splitlines()), type(error).__name__)
    return ADDRESS.sub("", line).strip()


def first_refusal(error: ValidationError) -> tuple[str, str]:
    """Return the dotted key of the first value that pydantic refuses, and its reason."""
    detail = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, detail["loc"])), reason_of(detail["msg"])


def reason_of(message: str) -> str:
    """Return pydantic's message without what it puts before that of our own validators."""
    return message.removeprefix("Value error, ")


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
