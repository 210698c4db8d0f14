"""What is said of the memory of a machine in the plan of a search."""

from __future__ import annotations

from platform.forecast.room import Load


def memory_line(load: Load) -> str:
    """Say what a machine has to hold, and of what that is made."""
    memory = load.host.memory
    parts = [_training(load), *_others(load), f"{gigabytes(memory.used)} in use already"]
    return (
        f"memory: {gigabytes(load.needed)} of the {gigabytes(memory.total)} of {load.host.name} "
        f"at most (estimate): {', '.join(parts)}"
    )


def too_much(load: Load) -> str:
    """Say that a machine has to hold more than it can."""
    memory = load.host.memory
    return (
        f"{load.host.name} would need {gigabytes(load.needed)} (estimate), and Ray ends processes "
        f"from {gigabytes(memory.most)} of its {gigabytes(memory.total)} on"
    )


def gigabytes(count: float) -> str:
    """Return bytes as GB with three digits that count."""
    return f"{count / 1e9:.3g} GB"


def _training(load: Load) -> str:
    each = gigabytes(load.use.worker)
    if load.loaders:
        each = f"({each} + {load.loaders} loading x {gigabytes(load.use.loader)})"
    return f"{load.workers} training x {each}"


def _others(load: Load) -> list[str]:
    pairs = {
        "of Ray Train": (load.drivers, load.use.driver),
        "evaluating": (load.scorers, load.use.scorer),
    }
    return [f"{count} {what} x {gigabytes(each)}" for what, (count, each) in pairs.items() if count]
