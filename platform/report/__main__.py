"""Write the report of a search: `python -m platform.report reports/NAME`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.report.checks import check_options
from platform.report.options import ReportOptions


def main() -> None:
    """Read the command line, then write."""
    options = tyro.cli(ReportOptions, prog="python -m platform.report")

    def report() -> int:
        check_options(options)
        from platform.report.command import run_report  # optuna, matplotlib: after the mistakes

        return run_report(options)

    run_command(report)


if __name__ == "__main__":
    main()
