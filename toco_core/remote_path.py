"""A file or directory in an object store: of `pathlib.Path` what checkpoints need."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias, TypeVar
from urllib.parse import quote, unquote

from toco_core.remote_files import StoreError, filesystem_of, is_remote, local_file, unreachable

if TYPE_CHECKING:
    from pyarrow import fs

T = TypeVar("T")

# Of a run whose store is silent: shorter than the 10 minutes after which a trial counts as stalled.
PATIENCE_SECONDS = 300.0
_PAUSE_SECONDS = 5.0  # between two questions
_WHOLE_OBJECTS = {"s3", "gcs", "abfs"}  # appear under their names when they are complete


@dataclass(frozen=True)
class RemotePath:
    """Names a file or a directory; nothing is asked of the store before a method does.

    Every method that asks raises `StoreError`, with one line, where the store does not answer or
    refuses; and `FileNotFoundError` where it says so.

    Attributes:
        uri: such as `s3://bucket/reports`.
        patience: a store that fails is asked again for so long, s.
        bin: takes the directories to be removed, where that is not to be done at once.
    """

    uri: str
    patience: float = 0.0
    bin: Callable[[RemotePath], object] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.uri

    def __truediv__(self, name: str) -> Self:
        place, mark, query = self.uri.partition("?")
        return replace(self, uri=f"{place.rstrip('/')}/{quote(name)}{mark}{query}")

    @property
    def parent(self) -> Self:
        """The directory that this is in."""
        whole, mark, query = self.uri.partition("?")
        return replace(self, uri=f"{whole.rstrip('/').rpartition('/')[0]}{mark}{query}")

    @property
    def name(self) -> str:
        """The last part."""
        return unquote(self.uri.partition("?")[0].rstrip("/").rpartition("/")[2])

    def glob(self, pattern: str) -> list[Self]:
        """Return the files of this directory whose names match, in order."""
        names = (info.base_name for info in self._listed(recursive=False))
        return [self / name for name in sorted(names) if fnmatchcase(name, pattern)]

    def files(self) -> list[str]:
        """Return the paths of all files below, relative to here."""
        base = self._ask(lambda store, path: path)
        return sorted(info.path[len(base) :].lstrip("/") for info in self._listed(recursive=True))

    def _listed(self, *, recursive: bool) -> list[fs.FileInfo]:
        from pyarrow import fs

        def look(store: fs.FileSystem, path: str) -> list[fs.FileInfo]:
            selector = fs.FileSelector(path, allow_not_found=True, recursive=recursive)
            return [info for info in store.get_file_info(selector) if info.is_file]

        return self._ask(look)

    def age(self, now: RemotePath) -> float:
        """Return how much earlier than `now` this file was written, by the store's clock, s."""

        def written(store: fs.FileSystem, path: str) -> int:
            info = store.get_file_info(path)
            if not info.is_file:
                raise FileNotFoundError(path)
            return info.mtime_ns

        return (now._ask(written) - self._ask(written)) / 1e9

    def read_bytes(self) -> bytes:
        """Return the content of a small file."""

        def read(store: fs.FileSystem, path: str) -> bytes:
            with store.open_input_stream(path) as stream:
                return stream.read()

        return self._ask(read)

    def write_bytes(self, content: bytes) -> None:
        """Write a small file: whoever looks sees the old one or the whole new one."""

        def write(store: fs.FileSystem, path: str) -> None:
            with store.open_output_stream(path) as stream:
                stream.write(content)

        self._put(write)

    def upload(self, file: Path) -> None:
        """Put a file of this machine here: whoever looks sees the old one or the whole new one."""
        from pyarrow import fs

        def copy(store: fs.FileSystem, path: str) -> None:
            # Not through a stream of Python: one that is closed by an exception leaves a part.
            here = fs.LocalFileSystem()
            fs.copy_files(
                str(file.absolute()), path, source_filesystem=here, destination_filesystem=store
            )

        self._put(copy)

    def _put(self, write: Callable[[fs.FileSystem, str], None]) -> None:
        def put(store: fs.FileSystem, path: str) -> None:
            if store.type_name in _WHOLE_OBJECTS:
                write(store, path)
                return
            directory, _, name = path.rpartition("/")
            store.create_dir(directory, recursive=True)
            unfinished = f"{directory}/.{name}.partial"
            write(store, unfinished)
            store.move(unfinished, path)

        self._ask(put)

    def download(self, file: Path) -> None:
        """Write the content of this file to a file of this machine."""
        from pyarrow import fs

        def copy(store: fs.FileSystem, path: str) -> None:
            here = fs.LocalFileSystem()
            fs.copy_files(
                path, str(file.absolute()), source_filesystem=store, destination_filesystem=here
            )

        self._ask(copy)

    def local_copy(self) -> Path:
        """Return the path of a copy on this machine, among the few that are kept there.

        Raises:
            ValueError: there is no such file.
        """
        return self._patiently(lambda: local_file(self.uri))

    def require_writable(self) -> None:
        """Write a file into this directory and delete it, to see now whether that can be done."""
        probe = self / f".probe-{uuid.uuid4().hex}"
        try:
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)
        except StoreError as error:
            raise StoreError(unreachable(self.uri, error.__cause__ or error)) from error

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete this file."""
        try:
            self._ask(lambda store, path: store.delete_file(path))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def remove(self) -> None:
        """Delete this directory and all that is in it; where there is a bin, leave that to it."""
        if self.bin is not None:
            self.bin(replace(self, bin=None))
            return
        with suppress(FileNotFoundError):
            self._ask(lambda store, path: store.delete_dir(path))

    def _ask(self, question: Callable[[fs.FileSystem, str], T]) -> T:
        import pyarrow as pa

        def ask() -> T:
            store, path = _located(self.uri)
            try:
                return question(store, path)
            except (pa.ArrowException, OSError) as error:
                if isinstance(error, OSError) and error.errno is not None:  # of a disk of ours
                    raise
                raise StoreError(unreachable(self.uri, error)) from error

        return self._patiently(ask)

    def _patiently(self, ask: Callable[[], T]) -> T:
        until = time.monotonic() + self.patience
        while True:
            try:
                return ask()
            except StoreError:
                if time.monotonic() + _PAUSE_SECONDS > until:
                    raise
            time.sleep(_PAUSE_SECONDS)


Place: TypeAlias = Path | RemotePath


class Located(Protocol):
    """What paths of this machine and of a store have in common."""

    @property
    def name(self) -> str: ...
    def __truediv__(self, name: str, /) -> Self: ...
    def glob(self, pattern: str) -> Iterable[Self]: ...
    def unlink(self, missing_ok: bool = False) -> None: ...


PlaceT = TypeVar("PlaceT", bound=Located)


def place(text: str, patience: float = 0.0) -> Place:
    """Return the place that a path or URI names."""
    return RemotePath(text, patience) if is_remote(text) else Path(text)


def _located(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a URI, opened once for all files in it, and the path there."""
    whole, mark, query = uri.partition("?")
    scheme, _, rest = whole.partition("://")
    server, _, path = rest.partition("/")
    store, root = _opened(f"{scheme}://{server}/{mark}{query}")
    return store, f"{root.rstrip('/')}/{unquote(path).strip('/')}"


@lru_cache(maxsize=8)
def _opened(root: str) -> tuple[fs.FileSystem, str]:
    return filesystem_of(root)
