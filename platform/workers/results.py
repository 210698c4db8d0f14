"""What comes of a request: the partial result of each chunk, and the result of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

ChunkT = TypeVar("ChunkT")
ScoreT = TypeVar("ScoreT")


@dataclass(frozen=True)
class ChunkResult(Generic[ChunkT]):
    """A scored chunk, and PNG pictures of its images that were asked for."""

    chunk: ChunkT
    pictures: list[bytes]


@dataclass(frozen=True, kw_only=True)
class EvaluationResult(Generic[ScoreT]):
    """The score of a checkpoint on a split."""

    score: ScoreT
    pictures: list[bytes]
    seconds: float  # from the first chunk's start to the last one's end

    @classmethod
    def of(
        cls,
        parts: Sequence[ChunkResult[ChunkT]],
        total: Callable[[Iterable[ChunkT]], ScoreT],
        seconds: float,
    ) -> Self:
        """Combine the results of the chunks, which are in the order of their images."""
        return cls(
            score=total(part.chunk for part in parts),
            pictures=[picture for part in parts for picture in part.pictures],
            seconds=seconds,
        )
