"""What an evaluation scored, which masks it opened for that, and under which conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from platform.evaluate.cards import evaluation_cards
from platform.evaluate.setup import EvaluationSetup
from platform.protocol.card import ProtocolCard
from platform.workers.results import EvaluationResult
from toco_core.data.ledger import MaskLedger
from toco_core.scoring.cam_score import Score
from toco_core.scoring.segmentation_score import SegmentationScore


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was scored; None where it was not asked for."""

    cam: EvaluationResult[Score] | None
    segmentation: EvaluationResult[SegmentationScore] | None

    @property
    def mious(self) -> list[float]:
        """One mIoU of each that was scored: NaN if the truth shows nothing."""
        cam = [self.cam.score.miou] if self.cam else []
        return cam + [counts.miou for counts in self._counts]

    @property
    def _counts(self) -> Sequence[Any]:
        return list(self.segmentation.score.counts.values()) if self.segmentation else []


def mask_ledger(setup: EvaluationSetup, evaluation: Evaluation) -> MaskLedger:
    """Return the masks that were opened, and what for."""
    ledger = MaskLedger()
    for request, result in (
        (setup.cam, evaluation.cam),
        (setup.segmentation, evaluation.segmentation),
    ):
        if request and result:
            ledger.record(setup.split, request.purpose, result.score.masks_opened)
    return ledger


def cards_of(setup: EvaluationSetup, evaluation: Evaluation) -> dict[str, ProtocolCard]:
    """Return under which conditions each number was measured; hashes files, so ask once."""
    cam, segmentation = evaluation.cam, evaluation.segmentation
    return evaluation_cards(
        setup,
        cam and cam.score,
        segmentation and segmentation.score,
        mask_ledger(setup, evaluation),
    )
