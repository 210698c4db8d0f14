"""Export pseudo-labels and CAMs: `python -m platform.export CHECKPOINT OUTPUT`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.export.options import ExportOptions


def main() -> None:
    """Read the command line, then export."""
    options = tyro.cli(ExportOptions, prog="python -m platform.export")

    def export() -> int:
        from platform.export.checks import check_options

        official = check_options(options)
        from platform.export.command import run_export  # torch: after what needs none

        return run_export(options, official)

    run_command(export)


if __name__ == "__main__":
    main()
