"""Names that become paths: of images, below a directory, and of the files of a dataset."""

from __future__ import annotations

from pathlib import PurePosixPath

from toco_core.messages import shown
from toco_core.text_files import has_control

# A file system takes 255 bytes; an export adds a suffix, and 13 more while it writes a file.
MOST_BYTES = 230


def file_name_problem(name: str) -> str | None:
    """Say why a name is none of a file in the directory of a dataset; None if it is one."""
    if not name or name in (".", "..") or set(name) & set("/\\:") or has_control(name):
        return f"{shown(name)} is no plain file name"
    return None


def row_name_problem(name: str) -> str | None:
    """Say why a name cannot be that of an image, which names files of an export; None if it can.

    Folders in it are kept, so it must not lead out of the directory that it is below.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name:
        return f"image {shown(name)} cannot name a file below a directory"
    if has_control(name):
        return f"image {shown(name)} has a character in its name that is none of a text"
    if max(len(part.encode()) for part in parts) > MOST_BYTES:
        return f"image {shown(name)} has a name of more than {MOST_BYTES} bytes"
    return None


def plain_path(path: str) -> str:
    """Return a path below a directory as its files are listed: without ``./`` and ``//``."""
    return str(PurePosixPath(path)) if path else path
