"""What decides the steps of a run beside its settings and its dataset."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from toco_core.parallel.precision import precision_on
from toco_core.settings import Recipe
from toco_core.source_digest import code_digest


def conditions_of(
    recipe: Recipe, device: str | None, workers: int, resources: Mapping[str, float]
) -> dict[str, str]:
    """Return the conditions, by name, under which a run trains.

    Args:
        recipe: of the run.
        device: kind of it, in this process; None for a group, whose workers are elsewhere.
        workers: of the group; 0 for this process alone.
        resources: that a worker of a group has.
    """
    if device is None:
        amounts = ", ".join(f"{amount:g} {kind}" for kind, amount in sorted(resources.items()))
        where = {"workers": f"{workers}, each with {amounts}"}
    else:
        precision = precision_on(torch.device(device), recipe)
        where = {"device": _name(device), "precision": precision}
    return {"code": code_digest(), "torch": torch.__version__, **where}


def _name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{device}, {torch.get_num_threads()} threads"  # they decide the order of sums
