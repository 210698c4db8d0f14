"""Whether this Python has the package that the CRF is computed by; without torch, in a moment."""

from __future__ import annotations

from importlib.util import find_spec


def require_crf() -> None:
    """Refuse a CRF where it cannot be computed.

    Raises:
        ValueError: pydensecrf is not installed.
    """
    if find_spec("pydensecrf") is None:
        raise ValueError(
            "the CRF needs pydensecrf2, which is not installed: it has no release for Python 3.13 "
            "and later; use 3.11 or 3.12, or do without the CRF (leave out --crf)"
        )
