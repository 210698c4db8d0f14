"""Fits a search into the memory of its machines: fewer loading processes, then fewer trials.

What was asked for stays as it is, and is warned of: an estimate is an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from platform.cluster.placement import Placement
from platform.cluster.shares import cpu_share
from platform.forecast.host_memory import TRIAL_BYTES, HostUse
from platform.forecast.memory_lines import gigabytes, memory_line, too_much
from platform.forecast.room import Host, Load, heaviest_load
from platform.search.options import Resources

Place = Callable[[Resources], Placement]
Use = Callable[[Placement], HostUse]


class _Count(NamedTuple):
    """A number of which there may be less than the machines have CPUs and GPUs for."""

    one: str
    several: str
    option: str
    of: Callable[[Placement], int]

    def text(self, placement: Placement) -> str:
        count = self.of(placement)
        return f"{count} {self.one if count == 1 else self.several}"


_LOADERS = _Count(
    "loading process a worker",
    "loading processes a worker",
    "--loaders",
    lambda placement: placement.loaders,
)
_TRIALS = _Count(
    "trial at once",
    "trials at once",
    "--concurrent",
    lambda placement: placement.max_concurrent_trials,
)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A search on its machines.

    Attributes:
        lines: of the plan.
        warning: what is too much, and what would fit.
    """

    placement: Placement
    lines: Sequence[str] = ()
    warning: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Try:
    options: Resources
    placement: Placement
    load: Load


def fit_in_memory(place: Place, options: Resources, hosts: Sequence[Host], use: Use) -> Fitted:
    """Place a search so that no machine runs out of memory, as far as nothing else was asked for.

    Args:
        place: fits processes on the CPUs and GPUs of the machines.
        options: what was asked for.
        hosts: the machines whose memory is known, the head first.
        use: estimates what the processes of a placement take.

    Raises:
        ValueError: they never fit; or not even one trial's process fits into any memory.
    """
    if not hosts:
        return Fitted(placement=place(options))
    _require_room_for_one(hosts)

    def attempt(options: Resources) -> _Try:
        placement = place(options)
        load = heaviest_load(hosts, placement, use(placement))
        return _Try(options=options, placement=placement, load=load)

    first = attempt(options)
    loaders, trials = options.loaders == "auto", options.concurrent is None
    last = _first_that_fits(first, _smaller(first, len(hosts), loaders, trials), attempt)
    lines = [memory_line(last.load)]
    if last.placement != first.placement:
        lines.append(_chosen(first, last))
    if last.load.share <= 1:
        return Fitted(placement=last.placement, lines=lines)
    best = _first_that_fits(first, _smaller(first, len(hosts), True, True), attempt)
    return Fitted(placement=last.placement, lines=lines, warning=_warning(last, best))


def _first_that_fits(
    first: _Try, smaller: Iterator[Resources], attempt: Callable[[Resources], _Try]
) -> _Try:
    """Return the first try that fits into the memory, or the last one."""
    last = first
    while last.load.share > 1 and (options := next(smaller, None)) is not None:
        with suppress(ValueError):  # as much for each as no machine has
            last = attempt(options)
    return last


def _require_room_for_one(hosts: Sequence[Host]) -> None:
    most = max(host.memory.most for host in hosts)
    if most < TRIAL_BYTES:
        raise ValueError(
            f"a trial's process takes {gigabytes(TRIAL_BYTES)} of memory before it trains, and no "
            f"machine may have more than {gigabytes(most)} in use: raise the limit of the "
            "container or job"
        )


def _smaller(first: _Try, hosts: int, loaders: bool, trials: bool) -> Iterator[Resources]:
    """Yield what takes less and less: fewer loading processes, then fewer trials, if allowed."""
    options, before = first.options, first.placement.loaders
    if loaders:  # beside a GPU one at least, which would wait else
        least = min(before, 1 if first.placement.gpus_per_trial else 0)
        yield from (replace(options, loaders=count) for count in range(before - 1, least - 1, -1))
        options = replace(options, loaders=least)
    if trials and (hosts == 1 or options.cpus is not None):
        at_once = first.placement.max_concurrent_trials
        yield from (replace(options, concurrent=count) for count in range(at_once - 1, 0, -1))
    elif trials:  # Ray spreads them as it likes, but to no machine without CPUs for them
        machine, scorers = first.load.host.resources, first.load.scorers
        reserved = scorers * first.placement.scorer.get("CPU", 0.0)
        for count in range(first.load.workers - 1, 0, -1):
            yield replace(options, cpus=cpu_share([machine], count, reserved=reserved))


def _chosen(first: _Try, last: _Try) -> str:
    """Say what there is less of, why, and how to have it all the same."""
    counts = (_LOADERS, _TRIALS)
    less = [one for one in counts if one.of(last.placement) != one.of(first.placement)]
    now = " and ".join(one.text(last.placement) for one in less)
    before = " and ".join(str(one.of(first.placement)) for one in less)
    back = " ".join(f"{one.option} {one.of(first.placement)}" for one in less)
    return (
        f"memory: {now} in place of {before}, with which {too_much(first.load)}; {back} takes them "
        "all the same"
    )


def _warning(last: _Try, fits: _Try) -> str:
    """Say what is too much, and the numbers to type that would fit."""
    if fits.load.share > 1:
        advice = "not even one trial at once fits: take machines with more of it"
    else:
        loaders, at_once = fits.placement.loaders, fits.placement.max_concurrent_trials
        cpus = fits.options.cpus
        of_trials = f"--concurrent {at_once}" if cpus == last.options.cpus else f"--cpus {cpus:g}"
        advice = f"--loaders {loaders} {of_trials} would fit"
    return f"memory may run out: {too_much(last.load)}; {advice}"
