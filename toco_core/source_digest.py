"""Which code computes: a digest of this package, since no version number counts every change."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_DIGITS = 12


@cache
def code_digest() -> str:
    """Return a digest of all Python files of this package, by name and content."""
    root, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_DIGITS]
