"""One search of a task in simulated time, and what it had found after so many trainings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from benchmarks.search_quality.conditions import Condition
from benchmarks.search_quality.methods import Method
from benchmarks.search_quality.world import TaskScale, World
from platform.search.earlier import EarlierSearch
from platform.search.live_trials import LiveTrials
from platform.search.simulation.controller import Simulator
from platform.search.space.checked import CheckedSpace, Params
from platform.search.study import open_study
from platform.search.trial_protocol import Assignment
from platform.search.worth import best_complete, judge

MARKS = (5, 10, 20)  # trainings after which the winner is looked at
_UNLIMITED = 1_000_000  # trials: the budget is one of training


@dataclass
class Training:
    """Simulated training: curves of the world, with the luck of seeds and of scores."""

    world: World
    task: str
    scale: TaskScale
    condition: Condition
    seed: int
    true: dict[int, float] = field(default_factory=dict)  # trial -> accuracy without luck, at last
    _curves: dict[int, list[float | None]] = field(default_factory=dict)

    def curve(self, number: int, params: Params) -> list[float | None]:
        """Return the scores of a trial."""
        if number not in self._curves:
            count = self.condition.scores
            steps = [self.world.iterations * place // count for place in range(1, count + 1)]
            accuracy = self.world.accuracy(self.task, [params], steps)[0]
            # of its own for each task: intervals are over tasks
            rng = np.random.default_rng([self.seed, number, crc32(self.task.encode())])
            luck = rng.normal() + 0.5 * rng.normal(size=count)
            scores = accuracy + self.condition.noise * self.scale.spread * luck
            self._curves[number] = np.clip(scores, -0.5, 1.5).tolist()
            self.true[number] = float(accuracy[-1])
        return self._curves[number]


class TimedTrials(LiveTrials):
    """Trials in work that time how long the next one takes to be found."""

    seconds = 0.0

    def next(self) -> Assignment | None:
        start = time.perf_counter()
        assignment = super().next()
        self.seconds += time.perf_counter() - start
        return assignment


@dataclass(frozen=True, kw_only=True)
class Lead:
    """How far the winner leads trial 0 at the end of a search, in accuracy.

    Attributes:
        said: by the search.
        half: of its 95 % interval.
        true: without luck.
    """

    said: float
    half: float
    true: float

    @property
    def holds(self) -> bool:
        """Whether the interval contains the truth."""
        return abs(self.said - self.true) <= self.half

    @property
    def is_told_apart(self) -> bool:
        """Whether the search says that its winner is better."""
        return self.said > self.half


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a search found.

    Attributes:
        regret: of the winner after as many trainings' worth of epochs as the key says.
        trials: started in all.
        complete: of them, trained to their end.
        proposal_ms: mean time of a proposal, ms.
        lead: of the winner over trial 0; None where it is trial 0, or nobody says.
    """

    regret: dict[int, float]
    trials: int
    complete: int
    proposal_ms: float
    lead: Lead | None = None


def search(
    method: Method,
    world: World,
    task: str,
    scale: TaskScale,
    condition: Condition,
    seed: int,
    earlier: Sequence[EarlierSearch] = (),
) -> Outcome:
    """Search a task until the last of `MARKS` is spent.

    Args:
        method: how.
        world: that has the task.
        task: which.
        scale: of the task.
        condition: under which circumstances.
        seed: of proposals and luck.
        earlier: searches of other tasks to learn from.
    """
    return play(method, world, task, scale, condition, seed, earlier)[1]


def play(
    method: Method,
    world: World,
    task: str,
    scale: TaskScale,
    condition: Condition,
    seed: int,
    earlier: Sequence[EarlierSearch] = (),
) -> tuple[optuna.Study, Outcome]:
    """Search likewise; return the study too."""
    training = Training(world, task, scale, condition, seed)
    space = world.space(published=condition.published)
    study = open_study(
        InMemoryStorage(),
        task,
        space,
        sampler=method.sampler(space, seed, earlier),
        pruner=method.pruner(world.iterations),
    )
    live = TimedTrials(study, space, budget=_UNLIMITED, iterations=world.iterations)
    simulator = Simulator(
        lambda: live, training.curve, iterations=world.iterations, concurrent=condition.concurrent
    )
    regret: dict[int, float] = {}
    for mark in _marks(simulator, condition):
        winner = method.winner(study, space) or _leader(study)
        regret[mark] = scale.regret(training.true[winner.number])
    trials = study.get_trials(deepcopy=False)
    return study, Outcome(
        regret=regret,
        trials=len(trials),
        complete=sum(trial.state == TrialState.COMPLETE for trial in trials),
        proposal_ms=1000 * live.seconds / max(1, len(trials)),
        lead=_lead(study, space, training) if method.judges else None,
    )


def _lead(study: optuna.Study, space: CheckedSpace, training: Training) -> Lead | None:
    judgement = judge(study, space)
    winner = best_complete(judgement, study)
    if winner is None or winner.number == 0 or winner.number not in judgement.lead:
        return None
    said, true = judgement.lead[winner.number], training.true
    return Lead(said=said.value, half=said.half or 0.0, true=true[winner.number] - true[0])


def _marks(simulator: Simulator, condition: Condition) -> Iterator[int]:
    left = list(MARKS)
    for scores in simulator.play():
        while left and scores >= left[0] * condition.scores:
            yield left.pop(0)
        if not left:
            return


def _leader(study: optuna.Study) -> FrozenTrial:
    """Return the trial of the highest score so far, where none has reached its end."""
    scored = [t for t in study.get_trials(deepcopy=False) if t.last_step is not None]
    return max(scored, key=lambda trial: trial.intermediate_values[trial.last_step or 0])
