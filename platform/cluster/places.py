"""What every machine of a cluster must see: the directory of a search or a run, and its dataset.

A path that is there on each machine need not be the same place, and a store that the driver reaches
need not be reached from each: the driver writes a token into the directory, which is read there.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path

from toco_core.data.schema import INFO_FILE
from toco_core.files import replacing
from toco_core.remote_files import StoreError
from toco_core.remote_path import Place, RemotePath, place

TOKEN_FILE = ".seen-by-every-machine"


class UnseenPlaceError(OSError):
    """A machine does not see what the others do: its mount is missing, or the path is not shared.

    It says nothing of the trial that met it.
    """


@dataclass(frozen=True, kw_only=True)
class Places:
    """The places as their first machine sees them.

    Attributes:
        directory: absolute path or URI, with the token in it.
        token: its content, another one in each session.
        dataset: a local directory; None for one that is reached through a URI.
        info: digest of what describes the dataset there.
    """

    directory: str
    token: str
    dataset: str | None
    info: str | None

    def check(self, machine: str, patience: float = 0.0) -> None:
        """Require that this machine sees the same.

        Args:
            machine: what it is called, for the message.
            patience: an object store that does not answer is asked again for so long, s.

        Raises:
            UnseenPlaceError: it does not; one line with the way out.
        """
        directory = place(self.directory, patience)
        if isinstance(directory, RemotePath):
            _require_reached(directory, self.token, machine)
        elif _read(directory / TOKEN_FILE) != self.token.encode():
            raise UnseenPlaceError(
                f"machine {machine} does not see {self.directory} as the driver does: mount the "
                "same network file system on every machine, and give a path on it (--reports)"
            )
        if self.dataset is not None and _digest(self.dataset) != self.info:
            raise UnseenPlaceError(
                f"machine {machine} does not see the dataset {self.dataset} as the driver does: "
                "put it on a network file system that every machine mounts, or copy it to the "
                "same path of each (--data)"
            )


def _require_reached(directory: RemotePath, token: str, machine: str) -> None:
    """Require that this machine reads, with the driver's credentials, what the driver wrote."""
    try:
        found = (directory / TOKEN_FILE).read_bytes()
    except FileNotFoundError:
        found, why = b"", "the driver's token is not there"
    except StoreError as error:
        raise UnseenPlaceError(f"machine {machine}: {error}") from error
    else:
        why = "another token than the driver's is there"
    if found != token.encode():
        raise UnseenPlaceError(
            f"machine {machine} does not see {directory} as the driver does ({why}): see that it "
            "reaches the same object store (AWS_ENDPOINT_URL)"
        )


def mark_places(directory: Place, dataset: str) -> Places:
    """Write a new token into the directory, and describe both places.

    Args:
        directory: of a search or a run, there already; or in an object store.
        dataset: path or URI.
    """
    token = uuid.uuid4().hex
    if isinstance(directory, RemotePath):
        (directory / TOKEN_FILE).write_bytes(token.encode())
    else:
        directory = directory.absolute()
        with replacing(directory / TOKEN_FILE) as unfinished:
            unfinished.write_text(token)
    local = None if "://" in dataset else dataset
    return Places(
        directory=str(directory),
        token=token,
        dataset=local,
        info=_digest(local) if local else None,
    )


def _digest(dataset: str) -> str | None:
    content = _read(Path(dataset) / INFO_FILE)
    return hashlib.sha256(content).hexdigest() if content is not None else None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
