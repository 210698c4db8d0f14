"""The protocol card: under which conditions a number was measured, beside every number.

One declaration: its fields are the lines of the card, in JSON, in tables, and in comparisons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, TypeAlias

from platform.results.formats import NOTHING
from platform.results.text_tables import TextTable

Line: TypeAlias = str | int | float | bool | list[float] | dict[str, Any] | None
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHOWN = 16  # of their digits in tables; JSON has all
# Lines that say what was scored, not how: two numbers of one protocol may differ in them.
OF_THE_NETWORK = (
    "threshold",
    "aux_threshold",
    "recipe",
    "iteration",
    "seed",
    "trained_on",
    "backbone",
    "weights",
    "weights_hash",
    "checkpoint_hash",
    "code",
    "computed_on",
)


def not_known(why: str) -> str:
    """Return the value of a line that nobody can fill in, and why."""
    return f"not known: {why}"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold, and where it was found."""

    value: float
    source: str


@dataclass(frozen=True, kw_only=True)
class ProtocolCard:
    """The conditions of one measurement; None where a line does not apply.

    Attributes:
        dataset: what `dataset.json` calls it.
        dataset_hash: of `toco_core.data.identity`.
        images: scored, of `images_in_split`.
        masks_opened: how many for this number, by split and purpose.
        image_labels_at_test: which image labels were used while scoring.
        input_size: what images are brought to.
        scales, mirror: of the CAM or the segmentation.
        crf: its constants.
        ignored: which pixels and classes do not count.
        hausdorff: how distances of edges were measured, where they were.
        threshold, aux_threshold: of the CAM's background.
        iteration: of the checkpoint, and which of the run it is.
        trained_on: the labels of a network that learnt from more than those of images.
        weights, weights_hash: that the backbone began with; SHA-256.
        checkpoint_hash: SHA-256 of the file.
        computed_on: devices and precisions.
    """

    measured: str
    dataset: str
    dataset_hash: str
    split: str
    images: int
    images_in_split: int
    masks_opened: dict[str, int]
    image_labels_at_test: str
    input_size: str
    scales: list[float]
    mirror: bool = True
    crf: dict[str, float] | None = None
    ignored: str
    hausdorff: str | None = None
    threshold: Threshold | None = None
    aux_threshold: Threshold | None = None
    recipe: str
    iteration: str
    seed: int | str
    trained_on: str | None = None
    backbone: str
    weights: str
    weights_hash: str | None
    checkpoint_hash: str
    code: str
    computed_on: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read a card back; a line that this version does not know is left out.

        Raises:
            ValueError: a line is missing.
        """
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        for name in ("threshold", "aux_threshold"):
            if values.get(name) is not None:
                values[name] = Threshold(**values[name])
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"not a protocol card: {error}") from None

    def lines(self) -> dict[str, str]:
        """Return every line in words by its name; where thresholds come from is a line too."""
        lines: dict[str, str] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            lines[one.name] = _words(value)
            if one.name in ("threshold", "aux_threshold"):
                lines[f"{one.name}_from"] = NOTHING if value is None else value.source
        return lines


def card_table(card: ProtocolCard) -> TextTable:
    """Return the card as a table, without the lines that do not apply."""
    rows = [[line_title(name), text] for name, text in card.lines().items() if text != NOTHING]
    return TextTable(title="Protocol", columns=("what", "how"), rows=rows, text_columns=2)


def different_lines(cards: Sequence[ProtocolCard]) -> dict[str, list[str]]:
    """Return the lines in which cards differ by their names, each with what every card says."""
    said = [card.lines() for card in cards]
    rows = {name: [lines[name] for lines in said] for name in (said[0] if said else ())}
    return {name: row for name, row in rows.items() if len({*row}) > 1}


def line_title(name: str) -> str:
    """Return how tables call a line."""
    return name.replace("_", " ").replace("crf", "CRF")


def _words(value: object) -> str:
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case Threshold():
            return f"{value.value:g}"
        case dict():
            return ", ".join(f"{key} {one:g}" for key, one in value.items()) or "none"
        case list():
            return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
        case str() if _SHA256.fullmatch(value):
            return value[:_SHOWN]
        case _:
            return str(value)
