"""What a request for a score is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from platform.scoring.request import ScoreRequest
from toco_core.score import ChunkScore, Score, summarise


class Scored(NamedTuple):
    """The scored chunk, and PNG pictures of the CAMs that were asked for."""

    chunk: ChunkScore
    pictures: list[bytes]


@dataclass(frozen=True, kw_only=True)
class ScoredCheckpoint:
    """The answer to a request."""

    request: ScoreRequest
    score: Score
    pictures: list[bytes]
    seconds: float  # from the first chunk's start to the last one's end

    @classmethod
    def of(cls, request: ScoreRequest, parts: Sequence[Scored], seconds: float) -> Self:
        """Put the chunks together, which are in the order of their images."""
        return cls(
            request=request,
            score=summarise(part.chunk for part in parts),
            pictures=[picture for part in parts for picture in part.pictures],
            seconds=seconds,
        )
