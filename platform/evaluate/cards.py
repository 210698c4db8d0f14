"""The protocol cards of an evaluation: one for the CAMs, one for each way to segment."""

from __future__ import annotations

from dataclasses import replace

from platform.evaluate.setup import CAM_PURPOSE, SEGMENTATION_PURPOSE, EvaluationSetup
from platform.protocol.card import ProtocolCard, Threshold
from platform.protocol.fill import Measured, cam_card, masks_line, segmentation_card
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
    """Return the cards of what was scored, by `cam` and the variants of the segmentation.

    Each counts the masks that were opened for its own number, whatever else was scored beside it.
    """
    measured = Measured(
        checkpoint=local_file(setup.network.checkpoint),
        recipe=setup.network.recipe,
        iteration=setup.network.iteration,
        dataset=setup.dataset,
        split=setup.split,
        masks=masks,
        trained_on=setup.network.trained_on,
    )
    cards: dict[str, ProtocolCard] = {}
    if cam is not None:
        bkg = Threshold(value=setup.bkg, source=setup.bkg_source)
        opened = masks_line(masks, CAM_PURPOSE)
        cards["cam"] = replace(cam_card(measured, cam, bkg, bkg), masks_opened=opened)
    if segmentation is not None and setup.segmentation is not None:
        scales = setup.segmentation.method.scales
        opened = masks_line(masks, SEGMENTATION_PURPOSE)
        for variant in segmentation.counts:
            card = segmentation_card(measured, segmentation, variant, scales)
            cards[variant] = replace(card, masks_opened=opened)
    return cards
