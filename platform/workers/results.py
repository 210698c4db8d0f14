"""What evaluation workers answer, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from toco_core.scoring.cam_score import ChunkScore, Score, summarise
from toco_core.scoring.segmentation_score import SegmentationChunk, SegmentationScore, add_up

if TYPE_CHECKING:
    from platform.workers.requests import ScoreRequest


class Scored(NamedTuple):
    """The scored chunk, and PNG pictures of the CAMs that were asked for."""

    chunk: ChunkScore
    pictures: list[bytes]


class Segmented(NamedTuple):
    """The segmented chunk, and PNG pictures of the segmentations that were asked for."""

    chunk: SegmentationChunk
    pictures: list[bytes]


@dataclass(frozen=True, kw_only=True)
class ScoredCheckpoint:
    """The answer to a request for a score of the CAMs."""

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


@dataclass(frozen=True, kw_only=True)
class SegmentedCheckpoint:
    """The answer to a request for a score of the segmentation head."""

    score: SegmentationScore
    pictures: list[bytes]
    seconds: float

    @classmethod
    def of(cls, parts: Sequence[Segmented], seconds: float) -> Self:
        """Put the chunks together, which are in the order of their images."""
        return cls(
            score=add_up(part.chunk for part in parts),
            pictures=[picture for part in parts for picture in part.pictures],
            seconds=seconds,
        )
