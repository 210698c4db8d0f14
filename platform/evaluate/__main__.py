"""Score a checkpoint: `python -m platform.evaluate CHECKPOINT`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.evaluate.checks import check_options
from platform.evaluate.options import EvaluateOptions


def main() -> None:
    """Read the command line, then evaluate."""
    options = tyro.cli(EvaluateOptions, prog="python -m platform.evaluate")

    def evaluate() -> int:
        official = check_options(options)
        from platform.evaluate.command import run_evaluation  # torch: after what needs none

        return run_evaluation(options, official)

    run_command(evaluate)


if __name__ == "__main__":
    main()
