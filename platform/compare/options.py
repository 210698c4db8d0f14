"""The options of a comparison. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from platform.option_types import PLACE
from toco_core.remote_path import Place


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Set results side by side: how each was measured, what was trained, what came of it.

    Names first the lines of the protocol that differ: numbers of two protocols say nothing of which
    configuration is better.
    """

    results: Annotated[Positional[tuple[Annotated[Place, PLACE], ...]], arg(metavar="RESULT")]
    """Two or more of: the directory of a search (its winner on report), of a run of platform.train,
    of an evaluation, or of a second stage (the mean of its seeds), each a path or an s3:// URI; or
    a checkpoint of this machine that was evaluated."""
