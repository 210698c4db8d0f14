"""The protocol cards of an evaluation: one for the CAMs, one for each way to segment."""

from __future__ import annotations

from platform.evaluate.setup import EvaluationSetup
from platform.protocol.card import ProtocolCard, Threshold
from platform.protocol.fill import Measured, cam_card, segmentation_card
from toco_core.data.ledger import MaskLedger
from toco_core.remote_files import local_file
from toco_core.scoring.cam_score import Score
from toco_core.scoring.segmentation_score import SegmentationScore


def evaluation_cards(
    setup: EvaluationSetup,
    cam: Score | None,
    segmentation: SegmentationScore | None,
    masks: MaskLedger,
) -> dict[str, ProtocolCard]:
    """Return the cards of what was scored, by `cam` and the variants of the segmentation."""
    measured = Measured(
        checkpoint=local_file(setup.network.checkpoint),
        recipe=setup.network.recipe,
        iteration=setup.network.iteration,
        dataset=setup.dataset,
        split=setup.split,
        masks=masks,
    )
    cards: dict[str, ProtocolCard] = {}
    if cam is not None:
        bkg = Threshold(value=setup.bkg, source=setup.bkg_source)
        cards["cam"] = cam_card(measured, cam, bkg, bkg)
    if segmentation is not None and setup.segmentation is not None:
        scales = setup.segmentation.method.scales
        for variant in segmentation.counts:
            cards[variant] = segmentation_card(measured, segmentation, variant, scales)
    return cards
