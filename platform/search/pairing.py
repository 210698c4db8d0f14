"""Which samplers and pruners go together. Nothing heavy is imported here: mistakes end at once."""

from __future__ import annotations

# Optuna's genetic and Gaussian-process samplers are told of complete trials only. Of twelve trials
# that halving looks at, a handful are complete: they would draw at random from first to last.
_COMPLETE_ONLY = ("gp", "cmaes", "nsga2")


def check_pairing(sampler: str, pruner: str, *, learns_from_others: bool = False) -> None:
    """Refuse a sampler that would not, or hardly, learn from what it is to learn from.

    Raises:
        ValueError: with the way out.
    """
    if learns_from_others and sampler != "curve":
        raise ValueError(
            f"--sampler {sampler} cannot learn from other searches: leave out --learn-from, or use "
            f"--sampler curve"
        )
    if sampler in _COMPLETE_ONLY and pruner != "none":
        raise ValueError(
            f"--sampler {sampler} learns from complete trials only, and --pruner {pruner} leaves "
            f"few: add --pruner none, or use --sampler curve, which learns from every score"
        )


def check_several(sampler: str, pruner: str) -> None:
    """Refuse what knows one objective only.

    Raises:
        ValueError: with the way out.
    """
    if sampler == "cmaes":
        raise ValueError(
            "--sampler cmaes knows one objective: use --sampler curve, or name one --objective"
        )
    if pruner in ("median", "hyperband"):
        raise ValueError(
            f"--pruner {pruner} knows one objective: use --pruner halving, which stops nothing "
            "that may be on the front, or none"
        )
    if sampler == "tpe" and pruner != "none":  # Optuna's orders stopped trials by one score
        raise ValueError(
            "--sampler tpe cannot learn from stopped trials of several objectives: add --pruner "
            "none, or use --sampler curve"
        )
