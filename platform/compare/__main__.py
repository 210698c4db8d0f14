"""Set results side by side: `python -m platform.compare A B ...`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.compare.options import CompareOptions


def main() -> None:
    """Read the command line, then compare."""
    options = tyro.cli(CompareOptions, prog="python -m platform.compare")

    def compare() -> int:
        if len(options.results) < 2:
            raise ValueError(f"a comparison needs two results or more, not {len(options.results)}")
        from platform.compare.command import run_comparison  # torch: after what needs none

        return run_comparison(options)

    run_command(compare)


if __name__ == "__main__":
    main()
