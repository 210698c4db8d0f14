"""What all commands share: how mistakes and interruptions end, and settings given as text."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from platform.interruption import all_interrupt
from toco_core.messages import first_line, shortened
from toco_core.remote_files import is_remote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from rich.console import Console

    from toco_core.settings import Recipe

RECIPE_FILE = "recipe.yaml"
FAILED = 1
USER_ERROR = 2
EMBEDDED_DATA = "partscenes"  # drawn when it is first asked for; anything else is a directory
WEIGHT_SOURCES = ("timm", "embedded", "random")  # of a backbone; anything else is a file
MOST_NAME_BYTES = 150  # a file system takes 255, and trials and their files add to the name
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it; also where another signal asked

_MOST_SHOWN = 200  # characters of a file's name
_ELSEWHERE = "choose another place"
_GOES_ON = "then the same command goes on where this one stopped"
_WAYS_OUT = {
    errno.EACCES: "give this user the right to it, or choose another place",
    errno.EDQUOT: f"delete something, {_GOES_ON}",
    errno.EISDIR: "name a file in it",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "see that it is spelled as it is there",
    errno.ENOSPC: f"free some of the disk, {_GOES_ON}",
    errno.ENOTDIR: "a part of it that should be a directory is a file",
    errno.EPERM: "give this user the right to it, or choose another place",
    errno.EROFS: _ELSEWHERE,
    errno.EIO: f"see to the disk, {_GOES_ON}",
    errno.ESTALE: f"mount it again, {_GOES_ON}",
}
# The options are right, and so is the command once the machine is.
_MACHINE_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE}


def run_command(command: Callable[[], int]) -> None:
    """Run a command and exit with its status; a user's mistake becomes one line on stderr."""
    try:
        with all_interrupt():
            status = command()
    except (ValueError, ConnectionError) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        status = USER_ERROR
    except OSError as error:
        print(f"error: {describe_os_error(error)}", file=sys.stderr)
        status = FAILED if error.errno in _MACHINE_FAULTS else USER_ERROR
    # A loss or a CAM is not finite, or a GPU's memory ran out: no mistake in the options.
    except (ArithmeticError, MemoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        status = FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = INTERRUPTED
    sys.exit(status)


def describe_os_error(error: OSError) -> str:
    """Say in one line which file the system refuses, why, and the way out."""
    if error.errno is None:  # of a library's own making: it has said all there is
        return first_line(error)
    reason = error.strerror or os.strerror(error.errno)
    file = "" if error.filename is None else f"{shortened(str(error.filename), _MOST_SHOWN)}: "
    way_out = _WAYS_OUT.get(error.errno)
    return f"{file}{reason}{f'; {way_out}' if way_out else ''}"


def require_local(**paths: object) -> None:
    """Refuse a URI where files are needed that the operating system opens.

    Args:
        paths: of options, by their names.

    Raises:
        ValueError: one is a URI; a `Path` has made one slash of its two.
    """
    for name, path in paths.items():
        if re.match(r"\w[\w+.-]+:/", str(path)):
            option = f"--{name.replace('_', '-')}" if name.islower() else name
            raise ValueError(
                f"{option} {path} must be a directory of this machine, or one that is mounted on "
                "it: object stores cannot be written to in place"
            )


def resolve_recipe(
    name_or_path: str,
    settings: Sequence[str],
    *,
    data: str | None = None,
    weights: str | None = None,
    seed: int | None = None,
) -> Recipe:
    """Load a recipe and change it by `key=value` texts, and by the options that settings have.

    Raises:
        ValueError: a recipe, key or value that does not exist or does not fit.
    """
    from toco_core.settings.overrides import apply_overrides, load_recipe, parse_override

    changes = dict(parse_override(text) for text in settings)
    if data is not None:
        changes["data.source"] = _source(data)
    if weights is not None:
        changes["backbone.weights"] = _weights(weights)
    if seed is not None:
        changes["seed"] = seed
    return apply_overrides(load_recipe(name_or_path), changes)


class TrainingOptions(Protocol):
    """How the options of every command that trains name its recipe."""

    @property
    def recipe(self) -> str: ...
    @property
    def set(self) -> Sequence[str]: ...
    @property
    def data(self) -> str | None: ...
    @property
    def weights(self) -> str | None: ...
    @property
    def seed(self) -> int | None: ...


def recipe_to_train(options: TrainingOptions) -> Recipe:
    """Load the recipe that options name, changed by their settings, to train it.

    Raises:
        ValueError: as `resolve_recipe`, or its warm-up does not end.
    """
    from toco_core.settings.warmup import require_warmup

    recipe = resolve_recipe(
        options.recipe,
        options.set,
        data=options.data,
        weights=options.weights,
        seed=options.seed,
    )
    require_warmup(recipe.optimiser.warmup, recipe.iterations)
    return recipe


def _source(data: str) -> str:
    """Return a source of images; a path absolute, since a checkpoint is used from elsewhere too."""
    if data == EMBEDDED_DATA or is_remote(data):
        return data
    return str(Path(data).expanduser().absolute())


def _weights(source: str) -> str:
    """Return a source of weights; a path absolute, since workers run in other directories."""
    if source in WEIGHT_SOURCES or is_remote(source):
        return source
    path = Path(source).expanduser().absolute()
    if not os.path.isfile(path):  # of any name: Path.is_file fails on one that is too long
        raise ValueError(
            f"--weights {source}: there is no such file, and it is none of "
            f"{', '.join(WEIGHT_SOURCES)}"
        )
    return str(path)


def check_name(name: str) -> str:
    """Return the name of a search or a run, which also names its directory.

    Raises:
        ValueError: it cannot be a directory everywhere.
    """
    if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("."):
        raise ValueError(f"--name {name!r} must be letters, digits, and any of _ . + -")
    if len(name.encode()) > MOST_NAME_BYTES:
        raise ValueError(f"--name {name!r} must have at most {MOST_NAME_BYTES} bytes")
    return name


def shown_path(path: Path) -> str:
    """Return a path relative to here where it is below, else absolute: never up with `..`."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def write_recipe(directory: Path, name: str, recipe: Recipe, command: str) -> None:
    """Write down every setting of a search or a run, and the command line that it comes from."""
    from toco_core.settings.overrides import dump_recipe

    line = " ".join([f"python -m platform.{command}", *sys.argv[1:]])
    text = f"# The recipe of {name}, every setting resolved. Made by: {line}\n"
    (directory / RECIPE_FILE).write_text(text + dump_recipe(recipe))


def drawing_progress(console: Console) -> AbstractContextManager[Callable[[int, int], None]]:
    """Show how far PartScenes is drawn; nothing, if it is there already."""
    from platform.results.task_progress import counting_progress

    return counting_progress(console, "drawing PartScenes")
