"""What an evaluation worker is asked for. Torch is imported by who does it, not by who asks."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from platform.workers.results import Scored, Segmented

if TYPE_CHECKING:
    from toco_core.data.reader import ParquetSplit
    from toco_core.scoring.segmentation_score import Method
    from toco_core.settings import Recipe
    from toco_core.trained_network import TrainedNetwork

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Request(Generic[Answer]):
    """Run one network over the images of one split, piece by piece."""

    checkpoint: str  # path that every worker can read
    dataset: str
    split: str
    official: Recipe | None = None  # of a checkpoint of the authors, which holds no recipe
    images: int | None = None  # only the first so many

    @abstractmethod
    def carry_out(self, network: TrainedNetwork, split: ParquetSplit, indices: range) -> Answer:
        """Do what is asked for with some images; `network` is on the device to be used."""


@dataclass(frozen=True, kw_only=True)
class ScoreRequest(Request[Scored]):
    """Score the CAMs of one checkpoint on one split."""

    purpose: str  # what the masks are opened for, as the ledger shows it
    pictures: int = 0  # CAM pictures of the first so many images

    def carry_out(self, network: TrainedNetwork, split: ParquetSplit, indices: range) -> Scored:
        from platform.workers.pictures import draw_cam
        from toco_core.scoring.cam import score_chunk

        chunk = score_chunk(
            network.model,
            network.recipe,
            split,
            indices,
            purpose=self.purpose,
            keep=self.pictures,
        )
        pictures = [draw_cam(scored, split.info) for scored in chunk.kept]
        return Scored(replace(chunk, kept=()), pictures)


@dataclass(frozen=True, kw_only=True)
class SegmentationRequest(Request[Segmented]):
    """Score the segmentation head of one checkpoint on one split."""

    purpose: str
    method: Method
    pictures: int = 0  # of image, CAM, segmentation and truth

    def carry_out(self, network: TrainedNetwork, split: ParquetSplit, indices: range) -> Segmented:
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
        )
        pictures = [draw_segmentation(segmented, split.info) for segmented in chunk.kept]
        return Segmented(replace(chunk, kept=()), pictures)
