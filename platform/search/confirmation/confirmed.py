"""A confirmation as its `confirm.json` tells it, for whoever shows it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from platform.results.parameters import ParameterValue

DIRECTORY = "confirm"  # of the runs, in that of their search
CONFIRM_FILE, RUNS_FILE = "confirm.json", "confirm.parquet"


@dataclass(frozen=True, kw_only=True)
class AgainstRecipe:
    """A configuration beside the recipe on equal seeds; differences are of scores of 0..1.

    Attributes:
        mean, half_width: of the paired difference; 95 %, None with one seed.
        p: of the one-sided paired t test, after Holm's correction.
        verdict: at 5 % in all.
    """

    mean: float
    half_width: float | None
    p: float
    verdict: Literal["better", "not told apart"]


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """One configuration on fresh seeds, scored on `report`.

    Attributes:
        trial: of the search; 0 is the recipe.
        scores: by seed, 0..1; empty where no run reached its end.
        half_width: of the 95 % interval of the mean; None with one seed.
        best: the probability that it is the best of all.
        against: None for the recipe.
    """

    name: str
    trial: int
    params: Mapping[str, ParameterValue]
    scores: Mapping[int, float]
    mean: float | None
    half_width: float | None
    sd: float | None
    best: float | None
    against: AgainstRecipe | None


@dataclass(frozen=True, kw_only=True)
class ConfirmedSearch:
    """What a confirmation came to.

    Attributes:
        objective: what was scored, by its name.
        findings: the verdicts in sentences, and how they were reached.
        configurations: the recipe first.
    """

    objective: str
    findings: Sequence[str]
    configurations: Sequence[Confirmed]

    def of(self, trial: int) -> Confirmed | None:
        """Return what was found of a trial's configuration; None where it was not confirmed."""
        return next((one for one in self.configurations if one.trial == trial), None)

    @property
    def seeds(self) -> list[int]:
        """The seeds that the verdicts are over."""
        return [*self.configurations[0].scores] if self.configurations else []


def read_confirmation(search: Path) -> ConfirmedSearch | None:
    """Return what the confirmation of a search came to; None where none has ended.

    Args:
        search: its directory.

    Raises:
        ValueError: the file is damaged; names it.
    """
    path = search / DIRECTORY / CONFIRM_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
        return ConfirmedSearch(
            objective=content["objective"],
            findings=content["findings"],
            configurations=[_configuration(one) for one in content["configurations"]],
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); the same platform.confirm writes it again"
        ) from error


def _configuration(content: Mapping[str, Any]) -> Confirmed:
    against = content.get("against_recipe")
    return Confirmed(
        name=content["name"],
        trial=content["trial"],
        params=content["params"],
        scores={int(seed): score for seed, score in content["scores"].items()},
        mean=content.get("mean"),
        half_width=content.get("half_width"),
        sd=content.get("sd"),
        best=content.get("probability_best"),
        against=against and _against(against),
    )


def _against(content: Mapping[str, Any]) -> AgainstRecipe:
    names = ("mean", "half_width", "p", "verdict")
    return AgainstRecipe(**{name: content[name] for name in names})
