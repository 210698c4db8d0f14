"""The options of evaluation workers. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EvaluationWorkers:
    """Who evaluates, and on what."""

    scorers: int = 1
    """Evaluation workers. One is this process, several run on Ray; the result is the same. They
    share the CRF too: several to a GPU (--gpus 0.25) keep its CPUs busy."""
    cpus: float | None = None
    """CPUs of an evaluation worker on Ray; each computes in one thread."""
    gpus: float | None = None
    """GPUs of an evaluation worker; by default 1 where there are enough, else 0."""
    address: str | None = None
    """A running Ray cluster (host:port or auto); by default Ray starts on this machine."""
