"""What can be said of an evaluation from its options alone, in a moment and without torch."""

from __future__ import annotations

from platform.scoring.options import EvaluateOptions


def check_options(options: EvaluateOptions) -> None:
    """Refuse what cannot be.

    Raises:
        ValueError: names the option, its value and what it may be.
    """
    if options.bkg is not None and not 0 <= options.bkg <= 1:
        raise ValueError(f"--bkg {options.bkg} is not in 0..1")
    for name, least in {"images": 1, "pictures": 0, "scorers": 1}.items():
        value = getattr(options, name)
        if value is not None and value < least:
            raise ValueError(f"--{name} {value} must be at least {least}")
    if not options.checkpoint.is_file():
        raise ValueError(f"there is no checkpoint at {options.checkpoint}")
