"""The figures of a report in their order, those that the search has data for."""

from __future__ import annotations

from collections.abc import Mapping

from platform.report.figures.contours import contours_figure
from platform.report.figures.cost import cost_figure
from platform.report.figures.drawing import Drawing
from platform.report.figures.front import front_figure
from platform.report.figures.history import history_figure
from platform.report.figures.importance import importance_figure
from platform.report.figures.leads import leads_figure
from platform.report.figures.learning import learning_figure
from platform.report.figures.mask_cost import mask_cost_figure
from platform.report.figures.parallel import parallel_figure
from platform.report.figures.scores import class_figure, threshold_figure
from platform.report.figures.seeds import seeds_figure
from platform.report.figures.slices import slices_figure
from platform.report.figures.tokens import token_figure
from platform.report.importance import Importance
from platform.report.mask_worth import MaskWorth
from platform.report.searched import Searched


def make_drawings(
    searched: Searched, found: Importance | None, worth: MaskWorth | None = None
) -> Mapping[str, Drawing]:
    """Return the figures by their keys."""
    order = found.order if found else []
    drawings = [
        leads_figure(searched),
        front_figure(searched),
        seeds_figure(searched),
        history_figure(searched),
        importance_figure(searched, found) if found else None,
        slices_figure(searched, order),
        contours_figure(searched, order),
        parallel_figure(searched),
        learning_figure(searched),
        threshold_figure(searched),
        class_figure(searched),
        token_figure(searched),
        cost_figure(searched),
        mask_cost_figure(worth) if worth else None,
    ]
    return {drawing.key: drawing for drawing in drawings if drawing is not None}
