"""The health of a search in cards: what is well, what to look at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from platform.report.searched import Searched

State = Literal["good", "look", "bad", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One question on a search.

    Attributes:
        title: the question.
        state: how it stands.
        finding: the answer, with its numbers.
        advice: what to do; empty where nothing is.
    """

    title: str
    state: State
    finding: str
    advice: str = ""

    @property
    def word(self) -> str:
        """The state as a reader sees it."""
        return {"good": "well", "look": "look", "bad": "act", "unknown": "not known"}[self.state]


def few_trials(searched: Searched) -> str:
    """Say why a model of the scores is missing."""
    scored = sum(bool(rows) for rows in searched.scores.values())
    return f"Only {scored} trials have scores: too few for a model of them."
