"""What can be said of the data command from its options alone, in a moment."""

from __future__ import annotations

from platform.data.options import CheckOptions, PartScenesOptions, WriteOptions
from platform.option_ranges import check_at_least


def check_options(options: WriteOptions | CheckOptions) -> None:
    """Refuse what cannot be.

    Raises:
        ValueError: names the option, its value and what it may be.
    """
    processes = (
        options.processes if isinstance(options, CheckOptions) else options.writing.processes
    )
    check_at_least(1, processes=processes)
    if isinstance(options, CheckOptions):
        return
    if isinstance(options, PartScenesOptions):
        _check_partscenes(options)
        return
    check_at_least(0, seed=options.seed)
    if not options.source.is_dir():
        raise ValueError(f"there is no directory {options.source}")


def _check_partscenes(options: PartScenesOptions) -> None:
    if options.source < 0:
        raise ValueError(f"the seed {options.source} must be at least 0")
    # Below 32 px the parts that define the classes are smaller than the details of a part.
    for name, least in {"size": 32, "train": 1, "tune": 0, "report": 0}.items():
        check_at_least(least, **{name: getattr(options, name)})
