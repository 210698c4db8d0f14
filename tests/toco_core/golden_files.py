"""Reads the golden numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

GOLDEN = Path(__file__).parents[1] / "golden"
RTOL, ATOL = 1e-4, 1e-5


def golden(file: str) -> dict[str, Tensor]:
    """Return the arrays of a golden .npz file as tensors."""
    with np.load(GOLDEN / file, allow_pickle=False) as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


def assert_golden(actual: Tensor, expected: Tensor, rtol: float = RTOL) -> None:
    """Compare within the tolerance of a float32 implementation; values near 0 by the largest."""
    atol = min(ATOL, rtol * float(expected.abs().max()))
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol, check_dtype=False)
