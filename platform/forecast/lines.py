"""The plan that is printed before a search or a run, and its warning."""

from __future__ import annotations

from platform.forecast.estimate import Forecast


def plan_lines(plan: Forecast) -> list[str]:
    """Say what runs where, and what a score costs."""
    return [_training(plan), _scoring(plan)]


def warning(plan: Forecast) -> str | None:
    """Say, with the numbers and the way out, if scores come faster than they are scored."""
    if plan.load <= 1:
        return None
    if plan.scores_on_gpus:
        options = "more evaluation workers (--scorers)"
    else:
        options = "evaluation workers on GPUs (--scorer-gpus), or more of them (--scorers)"
    return (
        f"scores come {plan.load:.3g} times faster than they are scored, and trials will wait: "
        f"{plan.placement.max_concurrent_trials} at once ask for one every "
        f"{spell(plan.interval_seconds)}, which takes {spell(plan.score_seconds)}; take fewer "
        f"(--set scoring.scores=1), of fewer images (--set scoring.images="
        f"{max(int(plan.images / plan.load), 1)}), or {options}"
    )


def spell(seconds: float) -> str:
    """Return a length of time with two digits that count."""
    for unit, length in (("h", 3600.0), ("min", 60.0), ("s", 1.0)):
        if seconds >= length:
            return f"{_two_digits(seconds / length)} {unit}"
    return f"{_two_digits(1000 * seconds)} ms"


def _two_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _training(plan: Forecast) -> str:
    placement = plan.placement
    count = placement.max_concurrent_trials
    trials = f"{count} trial{'s'[: count > 1]} at once"
    workers = placement.sizes or (placement.workers_per_trial,)
    group = f" of {' or '.join(map(str, workers))} workers" if max(workers) > 1 else ""
    if plan.device is None:
        where = f"on CPUs, {placement.worker.get('CPU', 0):g} of a core for each worker"
    else:
        where = f"each on {placement.gpus_per_trial:g} {plan.device.name}"
    return (
        f"plan: {trials}{group}, {where}, in {plan.precision}; {placement.loaders} loading "
        f"processes a worker; a step takes about {spell(plan.step_seconds)} (estimate)"
    )


def _scoring(plan: Forecast) -> str:
    placement = plan.placement
    gpus = placement.scorer.get("GPU", 0.0)
    shared = f"on {gpus:g} of a GPU each" if gpus else "on CPUs"
    count = placement.scorers
    return (
        f"scores: {count} evaluation worker{'s'[: count > 1]} {shared}; {plan.images:,} images x "
        f"{plan.operations / plan.images / 1e12:.2g} TFLOP take about {spell(plan.score_seconds)} "
        f"(estimate), beside {spell(plan.interval_seconds)} of training between two scores; up to "
        f"{placement.max_concurrent_trials} in flight"
    )
