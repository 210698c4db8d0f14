"""A search, a run or an evaluation that is only read, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from platform.mirror.files import at, is_kept
from toco_core.remote_path import Place, RemotePath


@contextmanager
def read_here(place: Place) -> Iterator[Path]:
    """Give the directory itself; of one in an object store a copy, for as long as it is read.

    Without checkpoints, as a search keeps them apart; of one that runs, what it has put there.

    Raises:
        ValueError: there is nothing of that name in the store.
        StoreError: the store does not answer, or refuses.
    """
    if isinstance(place, Path):
        yield place
        return
    with TemporaryDirectory(prefix="toco-") as parent:
        directory = Path(parent, place.name)
        names = [name for name in place.files() if is_kept(name)]
        if not names:
            raise ValueError(f"{place}: there is nothing of that name in the store")
        for name in names:
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            at(place, name).download(file)
        yield directory


def put_there(directory: Path, names: list[str], store: RemotePath) -> None:
    """Put files and folders of a directory into that of an object store.

    Raises:
        StoreError: the store does not answer, or refuses.
    """
    for name in names:
        path = directory / name
        files = path.rglob("*") if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                at(store, file.relative_to(directory).as_posix()).upload(file)
