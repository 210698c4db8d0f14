"""One searched parameter: a settings key, and the values that it may take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from platform.search.space.expressions import Condition

Value: TypeAlias = bool | int | float | str
Kind: TypeAlias = Literal["int", "float", "category"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A settings key with a range (`int`, `float`) or a list of choices (`category`)."""

    key: str
    kind: Kind
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    when: Condition | None = None
    source: str = ""

    @property
    def where(self) -> str:
        """How messages name the parameter: file and key."""
        return f"{self.source}: {self.key}"

    def distribution(self) -> BaseDistribution:
        """Return the parameter as Optuna's samplers know it."""
        match self.kind:
            case "int":
                step = int(self.step or 1)
                return IntDistribution(int(self.low), int(self.high), log=self.log, step=step)
            case "float":
                return FloatDistribution(self.low, self.high, log=self.log, step=self.step)
            case "category":
                return CategoricalDistribution(self.choices)

    def suggest(self, trial: optuna.Trial) -> Value:
        """Ask the trial's sampler for a value, or return the one that the trial has already."""
        match self.kind:
            case "int":
                step = int(self.step or 1)
                low, high = int(self.low), int(self.high)
                return trial.suggest_int(self.key, low, high, step=step, log=self.log)
            case "float":
                return trial.suggest_float(
                    self.key, self.low, self.high, step=self.step, log=self.log
                )
            case "category":
                choice = trial.suggest_categorical(self.key, self.choices)
                assert choice is not None, "parse_parameter accepts no null among the choices"
                return choice

    def uniform(self, rng: np.random.Generator) -> Value:
        """Draw a value uniformly, on the logarithm where the range says so."""
        if self.kind == "category":
            return self.choices[rng.integers(len(self.choices))]
        if self.log:
            drawn = float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))
            value = min(max(drawn, self.low), self.high)
            return round(value) if self.kind == "int" else value
        step = self.step or (1 if self.kind == "int" else None)
        if step is None:
            return float(rng.uniform(self.low, self.high))
        count = int((self.high - self.low) / step + 1e-8) + 1
        value = self.low + step * int(rng.integers(count))
        return int(value) if self.kind == "int" else self.snap(value)

    def contains(self, value: Any) -> bool:
        """Whether `value` is one that the search could propose."""
        if self.kind == "category":
            return any(value == one and type(value) is type(one) for one in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.kind == "int" and value != int(value):
            return False
        return self.low <= value <= self.high and self._on_grid(value)

    def _on_grid(self, value: float) -> bool:
        if not self.step:
            return True
        steps = (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-8)

    def snap(self, value: Value) -> Value:
        """Return a value of the grid as it would be typed: 0.15, not 0.15000000000000002."""
        if self.kind != "float" or not self.step or isinstance(value, str):
            return value
        steps = round((value - self.low) / self.step)
        return round(self.low + steps * self.step, 12)

    def distance(self, one: Value, other: Value) -> float:
        """Return how far apart two values are, 0 to 1; two choices are as far as can be."""
        if isinstance(one, str) or isinstance(other, str) or self.kind == "category":
            return float(one != other)
        if self.low == self.high:
            return 0.0
        if self.log:
            return abs(math.log(one / other)) / math.log(self.high / self.low)
        return abs(one - other) / (self.high - self.low)

    def ends(self) -> tuple[Value, ...]:
        """The values that lie furthest out: both ends of a range, or all choices."""
        if self.kind == "category":
            return self.choices
        return (int(self.low), int(self.high)) if self.kind == "int" else (self.low, self.high)

    def describe(self) -> str:
        """Return the range as a person writes it."""
        if self.kind == "category":
            return "one of " + ", ".join(map(str, self.choices))
        return f"{self.low:g} to {self.high:g}" + (
            f" in steps of {self.step:g}" if self.step else ""
        )
