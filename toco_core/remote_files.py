"""Files by URI: of one in an object store, a copy on this machine is made, and found again."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from toco_core.files import replacing
from toco_core.messages import first_line

if TYPE_CHECKING:
    from pyarrow import fs

MOST_COPIES = 8  # kept on a machine; of ViT-B a checkpoint is 1.4 GB
_LOADED_SECONDS = 120.0  # a copy that was asked for so recently may be about to be opened
_SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "file")
_RETRY_SECONDS = 10  # of Google's client, which by itself tries for a quarter of an hour


class StoreError(ValueError):
    """An object store that does not answer, or refuses; one line that names the URI."""


def is_remote(place: str | Path) -> bool:
    """Whether a place is a URI, and no path."""
    return "://" in str(place)


def absolute(place: str | Path) -> str:
    """Return a place so that it holds in a process in another directory."""
    return str(place) if is_remote(place) else os.path.abspath(os.path.expanduser(place))


def filesystem_of(uri: str) -> tuple[fs.FileSystem, str]:
    """Return pyarrow's file system of a URI, and the path in it.

    Raises:
        ValueError: it is of no such store.
        StoreError: nobody answers: in some 10 s, not in minutes.
    """
    import pyarrow as pa  # a quarter of a second, of which local files need nothing
    from pyarrow import fs

    scheme = uri.partition("://")[0]
    if scheme not in _SCHEMES:
        raise ValueError(f"{uri}: {scheme}:// is none of {', '.join(f'{s}://' for s in _SCHEMES)}")
    if scheme in ("gs", "gcs") and "retry_limit_seconds" not in uri:
        uri += f"{'&' if '?' in uri else '?'}retry_limit_seconds={_RETRY_SECONDS}"
    try:
        return fs.FileSystem.from_uri(uri)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(unreachable(uri, error)) from error


def unreachable(uri: str, error: BaseException) -> str:
    """Say in one line that nobody answers at a URI, and where the way out is."""
    return (
        f"{uri}: cannot be reached: {first_line(error)}; see to the network, the credentials "
        "(AWS_ACCESS_KEY_ID ...) and, where the store is your own, AWS_ENDPOINT_URL"
    )


def local_file(place: str | Path) -> Path:
    """Return the path of a file: of one by URI, that of a copy on this machine.

    The copy is made anew where size or time of the original have changed.

    Raises:
        ValueError: there is no such file in the store.
        StoreError: it cannot be reached.
    """
    if not is_remote(place):
        return Path(place)
    import pyarrow as pa

    uri = str(place)
    filesystem, path = filesystem_of(uri)
    try:
        copy = _copy(filesystem, path, uri)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:  # of this machine's disk
            raise
        raise StoreError(unreachable(uri, error)) from error
    os.utime(copy)
    _forget_oldest(copy.parent)
    return copy


def _copy(filesystem: fs.FileSystem, path: str, uri: str) -> Path:
    info = filesystem.get_file_info(path)
    if not info.is_file:
        raise ValueError(f"there is no file at {uri}")
    name = f"{_digest(f'{uri} {info.size} {info.mtime_ns}')}-{info.base_name}"
    copy = copies_directory() / name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        with (
            replacing(copy) as unfinished,
            unfinished.open("wb") as file,
            filesystem.open_input_stream(path) as stream,
        ):
            shutil.copyfileobj(stream, file, length=2**20)
    return copy


def copies_directory() -> Path:
    """Return where the copies lie, in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toco" / "copies"


def _forget_oldest(directory: Path) -> None:
    times = dict[Path, float]()
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # another process forgets too
            if not path.name.startswith("."):
                times[path] = path.stat().st_mtime
    for path in sorted(times, key=lambda path: times[path])[:-MOST_COPIES]:
        if time.time() - times[path] > _LOADED_SECONDS:
            path.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
