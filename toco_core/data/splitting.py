"""Which images `tune` and `report` hold: a visible, seeded setting of every dataset.

A share is written ``POOL``, ``POOL:300`` or ``POOL:20%``, or ``none`` for no such split. A pool is
a list of images with masks. A counted share is drawn by the seed; one without a number takes what
the other leaves of the pool, so that no image is in both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from toco_core.data.storage import DatasetError

NO_SPLIT = "none"
SHARE = re.compile(r"(?P<pool>[^:]+)(:(?P<number>\d+)(?P<percent>%?))?")


class Splitting(BaseModel):
    """The shares of the splits with masks, and the seed that draws them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tune: str
    report: str
    seed: int = Field(default=0, ge=0)

    @property
    def shares(self) -> dict[str, Share]:
        """The shares by split, without those that are `none`.

        Raises:
            DatasetError: a share is not written as one.
        """
        texts = {"tune": self.tune, "report": self.report}
        return {
            split: parse_share(split, text) for split, text in texts.items() if text != NO_SPLIT
        }


class Share(NamedTuple):
    """A part of a pool."""

    pool: str
    number: int | None = None  # None for what the other share leaves
    is_percentage: bool = False

    def count(self, pool_size: int) -> int:
        """Return how many images of a pool of that size the share asks for."""
        if self.number is None:
            return pool_size
        # A small percentage of a small pool is still one image: an empty split is of no use.
        return max(1, round(pool_size * self.number / 100)) if self.is_percentage else self.number


def parse_share(split: str, text: str) -> Share:
    """Read a share.

    Raises:
        DatasetError: it is not written as one.
    """
    match = SHARE.fullmatch(text)
    if match is not None:
        number = None if match["number"] is None else int(match["number"])
        share = Share(match["pool"], number, bool(match["percent"]))
        if number is None or 1 <= number <= (100 if share.is_percentage else number):
            return share
    raise DatasetError(f"{split} {text!r} must be POOL, POOL:300 (images), POOL:20% or {NO_SPLIT}")


def draw_splits(pools: Mapping[str, Sequence[str]], splitting: Splitting) -> dict[str, list[str]]:
    """Return the names of the images of `tune` and `report`, in the order of their pools.

    Args:
        pools: names of images with masks.
        splitting: what each split takes of them.

    Raises:
        DatasetError: there is no such pool, or it has not enough images.
    """
    chosen: dict[str, set[str]] = {}
    # Counted shares come first, and of two `report`: its images do not change with those of `tune`.
    order = sorted(splitting.shares.items(), key=lambda item: (item[1].number is None, item[0]))
    for split, share in order:
        if share.pool not in pools:
            raise DatasetError(_no_pool(split, share.pool, list(pools)))
        taken = set().union(*chosen.values())
        left = [name for name in pools[share.pool] if name not in taken]
        chosen[split] = set(_draw(split, share, len(pools[share.pool]), left, splitting.seed))
    return {
        split: [name for name in pools[share.pool] if name in chosen[split]]
        for split, share in splitting.shares.items()
    }


def _no_pool(split: str, pool: str, pools: Sequence[str]) -> str:
    """Say which pools there are, and how a part of one is written."""
    first = pools[0] if pools else "POOL"
    number = pool if re.fullmatch(r"\d+%?", pool) else "20%"
    return (
        f"{split} {pool!r}: the masks are in {' and '.join(pools) or 'no pool'}; a part of them is "
        f"written {first}:{number}"
    )


def _draw(split: str, share: Share, pool_size: int, left: Sequence[str], seed: int) -> list[str]:
    wanted = len(left) if share.number is None else share.count(pool_size)
    if not 0 < wanted <= len(left):
        raise DatasetError(
            f"{split} asks for {wanted or 'the rest'} of {share.pool}, which has {pool_size} images"
            f" with masks, {len(left)} of them not in another split"
        )
    return sorted(left, key=lambda name: _rank(name, seed))[:wanted]


def _rank(name: str, seed: int) -> bytes:
    # A hash, since it depends neither on the order of the listing nor on NumPy's version.
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()
