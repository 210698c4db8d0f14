"""The edges of what CAMs label at a background threshold."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from toco_core.cam.image_cam import PresentCams
from toco_core.cam.image_labels import labels_from_cams
from toco_core.data.schema import DatasetInfo
from toco_core.scoring.cam_score import CamEdges
from toco_core.scoring.edge_tally import EdgeTally


def edges_of_cams(
    cams: Sequence[PresentCams],
    masks: Sequence[Tensor],
    info: DatasetInfo,
    edges: CamEdges | None,
) -> tuple[EdgeTally, ...]:
    """Measure the edges of some images: of final and auxiliary CAM, or nothing if not asked to.

    Args:
        cams: of each image, at the size of its mask.
        masks: (H, W) each, on the CPU.
        info: classes and ignore index.
        edges: what is measured, and at which threshold.
    """
    if edges is None:
        return ()
    final, auxiliary = (
        EdgeTally(
            info.num_classes + 1,
            info.ignore_index,
            boundary=edges.boundary,
            hausdorff=edges.hausdorff,
        )
        for _ in range(2)
    )
    for one, mask in zip(cams, masks, strict=True):
        for tally, maps in ((final, one.final), (auxiliary, one.auxiliary)):
            said = labels_from_cams(maps.cpu(), one.classes, info.num_classes, bkg=edges.bkg)
            tally.add(mask.numpy(), said.numpy())
    return final, auxiliary
