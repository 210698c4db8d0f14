"""Write a dataset, or check one: `python -m platform.data voc|coco|folder|partscenes|check`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.data.options import CheckOptions, DataOptions


def main() -> None:
    """Read the command line, then write or check."""
    options = tyro.cli(
        DataOptions,  # pyright: ignore[reportArgumentType]  # a union is a form of a type
        prog="python -m platform.data",
        description=__doc__,
    )

    def write_or_check() -> int:
        from platform.data.checks import check_options

        check_options(options)
        if isinstance(options, CheckOptions):
            from platform.data.check_command import run_check  # pyarrow: after the help

            return run_check(options)
        from platform.data.command import run_writing

        return run_writing(options)

    run_command(write_or_check)


if __name__ == "__main__":
    main()
