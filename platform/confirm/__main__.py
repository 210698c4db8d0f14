"""Confirm the best configurations of a search: `python -m platform.confirm SEARCH`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.confirm.checks import check_options
from platform.confirm.options import ConfirmOptions


def main() -> None:
    """Read the command line, then confirm."""
    options = tyro.cli(ConfirmOptions, prog="python -m platform.confirm")

    def confirm() -> int:
        check_options(options)
        from platform.confirm.command import run_confirmation  # Optuna: after what needs none

        return run_confirmation(options)

    run_command(confirm)


if __name__ == "__main__":
    main()
