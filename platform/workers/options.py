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


# An H100 scores 16 images at 448 px in about 0.1 s, in which a thread decodes 10 or so: with four
# threads three chunks are read while one is computed, and more would only take memory.
_CHUNKS_ON_A_GPU = 4


def chunks_at_once(device: str) -> int:
    """Return how many chunks a worker has in work; on a CPU one, which keeps its core busy."""
    return 1 if device == "cpu" else _CHUNKS_ON_A_GPU
