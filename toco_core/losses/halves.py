"""What the losses of pairs and of pixels share: two halves that are balanced against each other."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Halves(NamedTuple):
    """Sums and counts of a loss with two balanced halves.

    Added up before the quotient they give the exact loss of a batch spread over steps or workers.
    """

    sums: Tensor  # (2,)
    counts: Tensor  # (2,)
