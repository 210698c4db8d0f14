"""How each number of a score is kept and shown: said once, where the event `Scored` declares it.

The tables' columns, TensorBoard's tags and what stands on the terminal follow from it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from platform.results.formats import percent

Kind: TypeAlias = Literal["float", "int", "floats"]
_KEY = "score field"  # in the metadata of a dataclass's field


@dataclass(frozen=True, kw_only=True)
class ScoreField:
    """A number of a score, or a list of them.

    Attributes:
        name: of the field of `Scored`, and of the column in `curves.parquet`.
        kind: of its values.
        heading: of its column in tables for people; empty where it stands in none.
        text: formats a value for such a column.
        tag: of its scalar in TensorBoard; of a list, with a place for the index.
        per_trial: what a trial keeps of its scores' values: the latest, or their sum.
        compared: it stands beside the parameters in TensorBoard's table of trials.
        since: the version of the tables that first had it; in an older one it is NaN.
    """

    name: str = ""
    kind: Kind = "float"
    heading: str = ""
    text: Callable[[Any], str] = str
    tag: str = ""
    per_trial: Literal["latest", "sum"] | None = None
    compared: bool = False
    since: int = 1

    @property
    def is_share(self) -> bool:
        """Whether it is shown in per cent, so that differences are points."""
        return self.text is percent


def score_field(declared: ScoreField) -> Any:
    """Declare a field of `Scored`."""
    absent = math.nan if declared.since > 1 else dataclasses.MISSING
    return dataclasses.field(default=absent, metadata={_KEY: declared})


def fields_of(event_type: type) -> Sequence[ScoreField]:
    """Return what an event declares, in its order."""
    declared = [(one.name, one.metadata.get(_KEY)) for one in dataclasses.fields(event_type)]
    return [dataclasses.replace(field, name=name) for name, field in declared if field]
