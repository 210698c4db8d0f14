"""Train ToCo with one configuration: `python -m platform.train`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.training.options import TrainOptions


def main() -> None:
    """Read the command line, then train."""
    options = tyro.cli(TrainOptions, prog="python -m platform.train")

    def train() -> int:
        from platform.training.command import run_train  # torch: only after the help

        return run_train(options)

    run_command(train)


if __name__ == "__main__":
    main()
