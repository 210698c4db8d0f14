"""A result that is compared: one column of a comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform.protocol.card import ProtocolCard
from toco_core.settings import Recipe


@dataclass(frozen=True, kw_only=True)
class Result:
    """One column of a comparison.

    Attributes:
        name: as short as it can be.
        cards: how its numbers were measured, by what was measured; none for a number that came
            during training, or of an earlier version.
        recipe: what was trained; None where nothing says it.
        scores: 0..1, by what was measured.
    """

    name: str
    cards: Mapping[str, ProtocolCard]
    recipe: Recipe | None
    scores: Mapping[str, float | None]


def read_json(path: Path) -> dict[str, Any]:
    """Read a file of numbers.

    Raises:
        ValueError: it is damaged; names it.
    """
    try:
        return dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); make it again") from error
