"""What can be said of a confirmation from its options alone, in a moment and without torch."""

from __future__ import annotations

from pathlib import Path

from platform.command_line import RECIPE_FILE, check_name
from platform.confirm.options import ConfirmOptions
from platform.option_ranges import check_at_least, check_between, check_positive
from platform.resource_ranges import check_resources
from platform.statistics.seeds import MOST_SEEDS


def check_options(options: ConfirmOptions) -> None:
    """Refuse what cannot be.

    Raises:
        ValueError: names the option, its value and what it may be.
    """
    check_at_least(1, top=options.top)
    check_between(2, MOST_SEEDS, seeds=options.seeds)
    check_positive(hours=options.hours, gpu_hours=options.gpu_hours)
    check_resources(options.resources)
    check_name(options.name)
    search = options.search
    if isinstance(search, Path):
        if not search.is_dir():
            raise ValueError(f"there is no directory {search}: name that of a search")
    elif not search.glob(RECIPE_FILE):
        raise ValueError(f"{search}: there is no search: name its directory in the store")
