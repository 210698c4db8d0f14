"""Search ToCo's hyper-parameters: `python -m platform.search`."""

from __future__ import annotations

import tyro

from platform.command_line import run_command
from platform.search.options import SearchOptions


def main() -> None:
    """Read the command line, then search."""
    options = tyro.cli(SearchOptions, prog="python -m platform.search")

    def search() -> int:
        if options.status is not None:
            from platform.search.status import print_status

            return print_status(options.status, options.reports, as_json=options.json)
        from platform.search.checks import check_options

        space, name = check_options(options)
        from platform.search.command import run_search  # torch and ray: after what needs none

        return run_search(options, space, name)

    run_command(search)


if __name__ == "__main__":
    main()
