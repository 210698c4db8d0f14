"""Read files of `torch.save` that may come from anywhere: tensors and plain Python only."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from toco_core.files import archive_problem
from toco_core.remote_files import local_file
from toco_core.remote_path import Place, RemotePath

# What DistributedDataParallel and torch.compile put before the names of the weights.
WRAPPERS = ("module.", "_orig_mod.")


def without_wrappers(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return weights by the names that they have in the network itself."""
    return {_without_wrapper(key): value for key, value in weights.items()}


def _without_wrapper(key: str) -> str:
    while key.startswith(WRAPPERS):
        key = key.partition(".")[2]
    return key


def read_torch_file(place: str | Place, kind: str) -> dict[str, Any]:
    """Return the dictionary stored at a path or URI, with its tensors on the CPU.

    Args:
        place: of a file of `torch.save`; code in it is not executed.
        kind: what the caller expects, for the message ("a training checkpoint").

    Raises:
        ValueError: there is no such file, or it is truncated, corrupt, or something else.
    """
    path = place.local_copy() if isinstance(place, RemotePath) else local_file(place)
    if not os.path.isfile(path):  # of any name: Path.is_file fails on one that is too long
        raise ValueError(f"there is no {kind} at {place}")
    try:
        _require_checksums(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):  # no fault of the content
        raise
    except Exception as error:  # bytes that are no pickle end in errors of any kind
        # torch's own text is long, and recommends to execute the file: it stays in the chain only.
        raise ValueError(
            f"{place} is not a readable {kind}: truncated, corrupt or foreign"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(f"{place} is not a {kind}: it holds a {type(content).__name__}")
    if not all(isinstance(key, str) for key in content):
        raise ValueError(f"{place} is not a {kind}: its keys are no names")
    return content


def _require_checksums(path: Path) -> None:
    """Compare the checksums that torch writes and does not read: it would load a damaged weight."""
    if not zipfile.is_zipfile(path):
        return  # the format before torch 1.6, without checksums
    if problem := archive_problem(path):
        raise zipfile.BadZipFile(problem)
