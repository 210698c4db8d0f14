"""The request for an export, which evaluation workers carry out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from platform.export.files import Layout, is_whole
from platform.export.settings import ExportSettings
from platform.workers.requests import Request, Turn
from toco_core.scoring.segmentation_score import CHUNK_IMAGES

if TYPE_CHECKING:
    from toco_core.data.reader import ParquetSplit
    from toco_core.trained_network import TrainedNetwork


class Exported(NamedTuple):
    """How many images were written, and how many were there already."""

    written: int
    found: int


@dataclass(frozen=True, kw_only=True)
class ExportRequest(ExportSettings, Request[Exported, Exported]):
    """Write the files of some images."""

    chunk_images = CHUNK_IMAGES

    @property
    def layout(self) -> Layout:
        """Where the files lie."""
        return Layout(directory=Path(self.output), split=self.split, format=self.format)

    def run_chunk(
        self, network: TrainedNetwork, split: ParquetSplit, indices: range, turn: Turn
    ) -> Exported:
        from platform.export.image import export_image

        missing = [index for index in indices if not self._is_there(split.row(index).name)]
        for index in missing:
            export_image(self, self.layout, network, split, index)
        return Exported(len(missing), len(indices) - len(missing))

    def combine(self, parts: Sequence[Exported], seconds: float) -> Exported:
        return Exported(sum(part.written for part in parts), sum(part.found for part in parts))

    def _is_there(self, name: str) -> bool:
        return all(is_whole(self.layout.file(kind, name)) for kind in self.kinds)
