"""What can be wrong with an image of a dataset, each with a name that is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

Kind = Literal[
    "missing file",
    "corrupt image",
    "corrupt mask",
    "corrupt annotation",
    "mask of another size",
    "label without a class",
    "mask without its label",
    "wrong row",
    "wrong count",
    "damaged shard",
]


class RowError(Exception):
    """An image that cannot be a row as it is; says what kind of problem it has, and which."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind: Kind = kind
        self.detail = detail


class Problem(NamedTuple):
    """A problem, and the image (or the shard) that has it."""

    kind: Kind
    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}: {self.detail}"


def count_kinds(problems: Iterable[Problem]) -> dict[str, int]:
    """Return how many problems there are of each kind, the most frequent kind first."""
    return dict(Counter(problem.kind for problem in problems).most_common())
