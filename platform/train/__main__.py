"""Train ToCo with one configuration: `python -m platform.train`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.train.options import TrainOptions


def main() -> None:
    """Read the command line, then train."""
    options = tyro.cli(TrainOptions, prog="python -m platform.train")

    def train() -> int:
        from platform.train.checks import check_options

        recipes = check_options(options)
        from platform.train.command import run_train  # torch: after what needs none

        return run_train(recipes, options)

    run_command(train)


if __name__ == "__main__":
    main()
