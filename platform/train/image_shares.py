"""How the images of a step are shared out."""

from __future__ import annotations

from platform.option_ranges import check_at_least
from toco_core.settings import Recipe


def check_shares(workers: int, recipe: Recipe) -> None:
    """Refuse workers, or parts of a worker's images, that would not be equal.

    Raises:
        ValueError: in one line with the way out.
    """
    check_at_least(1, workers=workers)
    images, parts = recipe.data.images_per_step, recipe.compute.parts
    if images % workers:
        raise ValueError(
            f"--workers {workers} cannot share data.images_per_step {images} evenly; "
            "choose a divisor, or --set data.images_per_step=..."
        )
    if images // workers % parts:
        raise ValueError(
            f"compute.parts {parts} does not divide the {images // workers} images of each "
            f"worker's step (data.images_per_step {images}, --workers {workers}); "
            "choose a divisor, or --set data.images_per_step=..."
        )
