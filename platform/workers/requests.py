"""What an evaluation worker is asked for. Torch is imported by who does it, not by who asks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

from platform.workers.results import ChunkResult, EvaluationResult
from toco_core.scoring import cam_score, segmentation_score
from toco_core.scoring.cam_score import CamEdges, ChunkScore, Score
from toco_core.scoring.segmentation_score import Method, SegmentationChunk, SegmentationScore

if TYPE_CHECKING:
    from toco_core.data.reader import ParquetSplit
    from toco_core.settings import Recipe
    from toco_core.trained_network import TrainedNetwork

PartT = TypeVar("PartT")
ResultT = TypeVar("ResultT")
Turn: TypeAlias = AbstractContextManager[object]  # on a device that several threads share


@dataclass(frozen=True, kw_only=True)
class Request(Generic[PartT, ResultT]):
    """Run one network over the images of one split, chunk by chunk."""

    chunk_images: ClassVar[int]  # the same whatever the number of workers, hence the same rounding

    checkpoint: str  # path that every worker can read
    dataset: str
    split: str
    official: Recipe | None = None  # of a checkpoint of the authors, which holds no recipe
    images: int | None = None  # only the first so many

    def chunks(self, in_split: int) -> list[range]:
        """Cut a split of so many images into the chunks that workers are given."""
        return cam_score.chunks(min(self.images or in_split, in_split), self.chunk_images)

    @abstractmethod
    def run_chunk(
        self, network: TrainedNetwork, split: ParquetSplit, indices: range, turn: Turn
    ) -> PartT:
        """Do what is asked for with some images.

        Args:
            network: on the device to be used.
            split: opened by this thread.
            indices: of the images.
            turn: to be held by who fills the device's memory; other threads prepare theirs.
        """

    @abstractmethod
    def combine(self, parts: Sequence[PartT], seconds: float) -> ResultT:
        """Return the result of all chunks, in the order of their images, which took some time."""


@dataclass(frozen=True, kw_only=True)
class ScoreRequest(Request[ChunkResult[ChunkScore], EvaluationResult[Score]]):
    """Score the CAMs of one checkpoint on one split."""

    chunk_images = cam_score.CHUNK_IMAGES

    purpose: str  # what the masks are opened for, as the ledger shows it
    pictures: int = 0  # CAM pictures of the first so many images
    count_images: int = 0  # of the first so many the counts one by one too
    edges: CamEdges | None = None  # measured beside
    masks: bool = True  # opened; without them there is no mIoU

    def run_chunk(
        self, network: TrainedNetwork, split: ParquetSplit, indices: range, turn: Turn
    ) -> ChunkResult[ChunkScore]:
        from platform.workers.pictures import draw_cam
        from toco_core.scoring.cam import score_chunk

        chunk = score_chunk(
            network.model,
            network.recipe,
            split,
            indices,
            purpose=self.purpose,
            keep=self.pictures,
            count_images=self.count_images,
            edges=self.edges,
            masks=self.masks,
            turn=turn,
        )
        pictures = [draw_cam(scored, split.info) for scored in chunk.kept]
        return ChunkResult(replace(chunk, kept=()), pictures)

    def combine(
        self, parts: Sequence[ChunkResult[ChunkScore]], seconds: float
    ) -> EvaluationResult[Score]:
        return EvaluationResult.of(parts, cam_score.summarise, seconds)


@dataclass(frozen=True, kw_only=True)
class SegmentationRequest(
    Request[ChunkResult[SegmentationChunk], EvaluationResult[SegmentationScore]]
):
    """Score the segmentation head of one checkpoint on one split."""

    chunk_images = segmentation_score.CHUNK_IMAGES

    purpose: str
    method: Method
    pictures: int = 0  # of image, CAM, segmentation and truth
    boundary: bool = False  # count rims too
    hausdorff: bool = False  # measure distances of edges too

    def run_chunk(
        self, network: TrainedNetwork, split: ParquetSplit, indices: range, turn: Turn
    ) -> ChunkResult[SegmentationChunk]:
        from platform.workers.pictures import draw_segmentation
        from toco_core.scoring.segmentation import segmentation_chunk

        chunk = segmentation_chunk(
            network.model,
            network.recipe,
            split,
            indices,
            method=self.method,
            purpose=self.purpose,
            keep=self.pictures,
            boundary=self.boundary,
            hausdorff=self.hausdorff,
        )
        pictures = [draw_segmentation(segmented, split.info) for segmented in chunk.kept]
        return ChunkResult(replace(chunk, kept=()), pictures)

    def combine(
        self, parts: Sequence[ChunkResult[SegmentationChunk]], seconds: float
    ) -> EvaluationResult[SegmentationScore]:
        return EvaluationResult.of(parts, segmentation_score.add_up, seconds)
