"""Write, check or probe a dataset.

`python -m platform.data voc|coco|folder|partscenes|check|probe`
"""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.data.options import CheckOptions, DataOptions, ProbeOptions


def main() -> None:
    """Read the command line, then do what it says."""
    options = tyro.cli(
        DataOptions,  # pyright: ignore[reportArgumentType]  # a union is a form of a type
        prog="python -m platform.data",
        description="Write a dataset, check one, or probe what a backbone knows of it.",
    )

    def run() -> int:
        from platform.data.checks import check_options

        check_options(options)
        if isinstance(options, CheckOptions):
            from platform.data.check_command import run_check  # pyarrow: after the help

            return run_check(options)
        if isinstance(options, ProbeOptions):
            from platform.data.probe_command import run_probe  # torch

            return run_probe(options)
        from platform.data.command import run_writing

        return run_writing(options)

    run_command(run)


if __name__ == "__main__":
    main()
