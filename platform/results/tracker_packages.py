"""Which packages experiment trackers need."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

PACKAGES = {"mlflow": "mlflow-skinny", "wandb": "wandb"}  # by tracker; TensorBoard is always there


def check_trackers(names: Sequence[str]) -> None:
    """Refuse a tracker whose package is not installed.

    Raises:
        ValueError: with the way out.
    """
    for name in names:
        if name in PACKAGES and find_spec(name) is None:
            raise ValueError(
                f"--tracker {name} needs its package: pip install {PACKAGES[name]}, "
                "or leave it out: TensorBoard is the default"
            )
