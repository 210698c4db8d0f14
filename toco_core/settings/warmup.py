"""A warm-up has to end within the training."""

from __future__ import annotations


def require_warmup(warmup: int, iterations: int) -> None:
    """Refuse a warm-up that is not shorter than the training.

    Raises:
        ValueError: with the way out.
    """
    if not 0 <= warmup < iterations:
        raise ValueError(
            f"optimiser.warmup {warmup} must be in 0..{iterations - 1}, below iterations "
            f"{iterations}: shorten the warm-up or train longer"
        )
