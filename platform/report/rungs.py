"""Where trials were stopped early, and how far the order there is that of the end."""

from __future__ import annotations

from dataclasses import dataclass

from platform.report.searched import Searched


@dataclass(frozen=True)
class Rung:
    """An iteration at which trials were stopped.

    Attributes:
        stopped: how many were.
        reached: how many have a score there.
        winner_place: the place of the winner among those, 1 the best; None without one.
    """

    iteration: int
    stopped: int
    reached: int
    winner_place: int | None


def rungs(searched: Searched) -> list[Rung]:
    """Return the iterations at which trials were stopped, in their order."""
    stopped = [r.scored_iteration for r in searched.trials if r.state == "pruned"]
    return [
        _rung(searched, iteration, stopped.count(iteration))
        for iteration in sorted({one for one in stopped if one is not None})
    ]


def _rung(searched: Searched, iteration: int, stopped: int) -> Rung:
    there = {
        number: searched.score_of(row)
        for number, rows in searched.scores.items()
        for row in rows
        if row["iteration"] == iteration
    }
    own = None if searched.winner is None else there.get(searched.winner)
    place = None if own is None else 1 + sum(score > own for score in there.values())
    return Rung(iteration, stopped, len(there), place)
