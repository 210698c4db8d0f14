"""A directory that answers as a network file system does on a bad day: late, or not at all.

FUSE serves what lies elsewhere. Run as a program it takes the place that it serves, the mount point
and a file that says how it behaves just now:

    ok               at once
    slow SECONDS     so long for each file that was written, when it is closed
    silent           no answer, until it behaves otherwise
    gone             "Stale file handle" for whatever is asked, as where a server was replaced
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

OK, SILENT, GONE = "ok", "silent", "gone"


class SlowDirectory:
    """A directory that FUSE serves, and how it behaves.

    Args:
        place: a directory below which all is put.
    """

    def __init__(self, place: Path) -> None:
        self.path, self._behaviour, self._served = (
            place / name for name in ("mount", "behaviour", "served")
        )
        self.path.mkdir(parents=True)
        self._served.mkdir()
        self.behave(OK)

    def behave(self, how: str) -> None:
        """Behave so from now on."""
        unfinished = self._behaviour.with_suffix(".new")
        unfinished.write_text(how)
        unfinished.replace(self._behaviour)

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve it from a process of its own."""
        command = [sys.executable, __file__, self._served, self.path, self._behaviour]
        with subprocess.Popen(command) as server:
            while not os.path.ismount(self.path):
                assert server.poll() is None, "the directory cannot be served"
                time.sleep(0.05)
            try:
                yield
            finally:
                subprocess.run(["umount", "--lazy", self.path], check=True)
                server.terminate()


def serve(served: str, mount: str, behaviour: str) -> None:
    """Serve a directory until it is unmounted."""
    fuse = import_module("fuse")  # of the extra slow-directory, on the system's libfuse2

    class Behaving:
        """Hands each call on to the directory that is served."""

        def __call__(self, name: str, *arguments: Any) -> Any:
            how, _, seconds = Path(behaviour).read_text().partition(" ")
            while how == SILENT:
                time.sleep(0.1)
                how, _, seconds = Path(behaviour).read_text().partition(" ")
            if how == GONE:
                raise fuse.FuseOSError(errno.ESTALE)
            if how == "slow" and name == "flush" and arguments[-1] in written:
                time.sleep(float(seconds))
            return getattr(self, name)(*arguments)

        def path(self, name: str) -> str:
            return served + name

        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            found = os.lstat(self.path(path))
            return {key: getattr(found, key) for key in _ATTRIBUTES}

        def readdir(self, path: str, fh: int) -> list[str]:
            return [".", "..", *os.listdir(self.path(path))]

        def open(self, path: str, flags: int) -> int:
            return noted(os.open(self.path(path), flags), flags)

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
            return noted(os.open(self.path(path), flags, mode), flags)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            return os.pwrite(fh, data, offset)

        def truncate(self, path: str, length: int, fh: int | None = None) -> None:
            os.truncate(self.path(path), length)

        def fsync(self, path: str, datasync: bool, fh: int) -> None:
            os.fsync(fh)

        def release(self, path: str, fh: int) -> None:
            written.discard(fh)
            os.close(fh)

        def flush(self, path: str, fh: int) -> None:
            return None

        def mkdir(self, path: str, mode: int) -> None:
            os.mkdir(self.path(path), mode)

        def rmdir(self, path: str) -> None:
            os.rmdir(self.path(path))

        def unlink(self, path: str) -> None:
            os.unlink(self.path(path))

        def rename(self, old: str, new: str) -> None:
            os.rename(self.path(old), self.path(new))

        def link(self, target: str, source: str) -> None:
            os.link(self.path(source), self.path(target))

        def symlink(self, target: str, source: str) -> None:
            os.symlink(source, self.path(target))

        def readlink(self, path: str) -> str:
            return os.readlink(self.path(path))

        def chmod(self, path: str, mode: int) -> None:
            os.chmod(self.path(path), mode)

        def utimens(self, path: str, times: tuple[float, float] | None = None) -> None:
            os.utime(self.path(path), times)

        def statfs(self, path: str) -> dict[str, Any]:
            found = os.statvfs(self.path(path))
            return {key: getattr(found, key) for key in dir(found) if key.startswith("f_")}

    written: set[int] = set()

    def noted(handle: int, flags: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            written.add(handle)
        return handle

    fuse.FUSE(Behaving(), mount, foreground=True, nothreads=False)


_ATTRIBUTES = (
    *("st_atime", "st_ctime", "st_mtime", "st_mode", "st_nlink", "st_size", "st_uid", "st_gid"),
    *("st_blocks", "st_ino"),
)

if __name__ == "__main__":
    serve(*sys.argv[1:])
