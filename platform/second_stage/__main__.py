"""Train a network on pseudo-labels: `python -m platform.second_stage LABELS`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.second_stage.options import SecondStageOptions


def main() -> None:
    """Read the command line, then train and score."""
    options = tyro.cli(SecondStageOptions, prog="python -m platform.second_stage")

    def second_stage() -> int:
        from platform.second_stage.checks import check_options

        recipes = check_options(options)
        from platform.second_stage.command import run_second_stage  # torch: after what needs none

        return run_second_stage(recipes, options)

    run_command(second_stage)


if __name__ == "__main__":
    main()
