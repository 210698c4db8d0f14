"""What may be asked of a cluster by options: how many processes, and how much for each."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from platform.option_ranges import check_amount, check_at_least

LEAST_AMOUNT = 0.0001  # Ray counts in ten-thousandths
_LEAST_COUNTS = {"workers": 1, "scorers": 1, "concurrent": 1, "loaders": 0}
_CPUS, _GPUS = ("cpus", "scorer_cpus"), ("gpus", "scorer_gpus")

# Any of the commands' classes of options with some of these names.
ResourceOptions: TypeAlias = object


Auto: TypeAlias = Literal["auto"]  # an option that the machines decide
T = TypeVar("T")


class Between(NamedTuple):
    """A number of training workers for which there is room: 2-4."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"{self.least}-{self.most}"


Group: TypeAlias = int | Between  # training workers of a trial


def parse_group(text: str) -> Group:
    """Read a number of training workers, or a range of it.

    Raises:
        ValueError: it is neither.
    """
    found = re.fullmatch(r"(-?\d+)(?:-(\d+))?", text)
    if found is None:
        raise ValueError(f"{text} is no number of workers, and no range of it such as 2-4")
    least, most = int(found[1]), int(found[2] or found[1])
    if found[2] and least > most:
        raise ValueError(f"{text}: the smaller number comes first: {most}-{least}")
    return least if least == most else Between(least, most)


def most_of(group: Group) -> int:
    """Return the largest number of workers that is asked for."""
    return group if isinstance(group, int) else group.most


def asked(value: T | Auto) -> T | None:
    """Return what an option asks for, or None if it leaves that to the machines."""
    return None if value == "auto" else value  # pyright: ignore[reportReturnType]


def check_resources(options: ResourceOptions) -> None:
    """Refuse numbers of processes, CPUs and GPUs that Ray cannot count.

    Raises:
        ValueError: names the option, its value and the range.
    """
    given = {name: asked(value) for name, value in vars(options).items()}
    if isinstance(workers := given.get("workers"), Between):
        given["workers"] = workers.least
    for name, least in _LEAST_COUNTS.items():
        check_at_least(least, **{name: given.get(name)})
    check_amount(LEAST_AMOUNT, **{name: given.get(name) for name in _CPUS + _GPUS})
    for name in _GPUS:
        gpus = given.get(name) or 0
        if gpus > 1 and gpus % 1:
            raise ValueError(
                f"--{name.replace('_', '-')} {gpus} must be a whole number, or at most 1: only one "
                "GPU can be shared"
            )
