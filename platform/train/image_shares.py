"""How the images of a step are shared out."""

from __future__ import annotations

from platform.option_ranges import check_at_least
from platform.resource_ranges import Between, Group
from toco_core.settings import Recipe


def group_sizes(workers: Group, recipe: Recipe) -> tuple[int, ...]:
    """Return the numbers of workers that a trial may have, the largest first.

    Those between the ends of a range that cannot share the images of a step are left out.

    Raises:
        ValueError: an end of the range cannot, in one line with the way out.
    """
    if isinstance(workers, int):
        check_shares(workers, recipe)
        return (workers,)
    check_at_least(1, workers=workers.least)
    sizes = even_sizes(workers, recipe)
    if {*workers} <= {*sizes}:
        return sizes
    images, parts = recipe.data.images_per_step, recipe.compute.parts
    shares = map(str, reversed(even_sizes(Between(1, images), recipe)))
    in_parts = f" in compute.parts {parts}" if parts > 1 else ""
    raise ValueError(
        f"--workers {workers}: {' and '.join(str(n) for n in workers if n not in sizes)} cannot "
        f"share data.images_per_step {images} evenly{in_parts}; choose both ends among "
        f"{', '.join(shares)}, or --set data.images_per_step=..."
    )


def even_sizes(workers: Between, recipe: Recipe) -> tuple[int, ...]:
    """Return those numbers of workers that can share the images of a step, the largest first."""
    images, parts = recipe.data.images_per_step, recipe.compute.parts
    numbers = range(workers.most, workers.least - 1, -1)
    return tuple(number for number in numbers if images % (number * parts) == 0)


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
