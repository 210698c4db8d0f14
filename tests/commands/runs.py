"""Runs the command in this process: importing torch anew would take longer than the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from platform.train.checks import check_options
from platform.train.command import run_train
from platform.train.options import TrainOptions
from tests.commands.processes import short_settings


def train_options(
    scenes: Path, reports: Path, *, settings: Mapping[str, str] | None = None, **changes: object
) -> TrainOptions:
    """Return the options of a short run; keys of settings are written with `__` for the dot."""
    options = TrainOptions(
        data=str(scenes), reports=reports, set=short_settings(**(settings or {}))
    )
    return replace(options, **changes)  # pyright: ignore[reportArgumentType]


def finish(options: TrainOptions) -> int:
    """Run `python -m platform.train` and return its exit status."""
    return run_train(check_options(options), options)
