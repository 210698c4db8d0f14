"""The edges of CAMs: both measures of the same labels, which are made once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.data.noise_dataset import CLASS_NAMES
from toco_core.cam.image_cam import PresentCams
from toco_core.cam.image_labels import labels_from_cams
from toco_core.data.schema import DatasetInfo, SplitInfo
from toco_core.scoring.boundary import boundary_pixels
from toco_core.scoring.cam_edges import edges_of_cams
from toco_core.scoring.cam_score import CamEdges
from toco_core.scoring.hausdorff import hausdorff_distances

BKG, K, IGNORED = 0.5, len(CLASS_NAMES) + 1, 255
INFO = DatasetInfo(
    source="made up",
    class_names=CLASS_NAMES,
    palette=((0, 0, 0),) * K,
    splits={"tune": SplitInfo(images=2, masks=2, shards=("tune-00000.parquet",))},
)


def images() -> tuple[list[PresentCams], list[Tensor]]:
    """CAMs of classes 0 and 2 of two images, and masks with ignored pixels."""
    draw = torch.Generator().manual_seed(0)
    classes, sizes = torch.tensor([0, 2]), [(20, 30), (25, 18)]
    cams = [
        PresentCams(classes, *(torch.rand(2, *size, generator=draw) for _ in range(2)))
        for size in sizes
    ]
    masks = [torch.randint(0, K, size, generator=draw) for size in sizes]
    for mask in masks:
        mask[:3] = IGNORED
    return cams, masks


@pytest.mark.parametrize(("boundary", "hausdorff"), [(True, True), (True, False), (False, True)])
def test_each_side_is_measured_as_its_labels_are_by_themselves(
    boundary: bool, hausdorff: bool
) -> None:
    cams, masks = images()
    edges = CamEdges(bkg=BKG, boundary=boundary, hausdorff=hausdorff)
    found = edges_of_cams(cams, masks, INFO, edges)
    for tally, side in zip(found, ("final", "auxiliary"), strict=True):
        pairs = [
            (mask.numpy(), labels_from_cams(getattr(cam, side), cam.classes, 3, bkg=BKG).numpy())
            for cam, mask in zip(cams, masks, strict=True)
        ]
        first, second = (boundary_pixels(*pair, K, IGNORED) for pair in pairs)
        distances = np.stack([hausdorff_distances(*pair, K, IGNORED) for pair in pairs])
        assert (tally.rims is not None, tally.distances is not None) == (boundary, hausdorff)
        if tally.rims is not None:
            np.testing.assert_array_equal(tally.rims.right, (first + second).right)
            np.testing.assert_array_equal(tally.rims.predicted, (first + second).predicted)
        if tally.distances is not None:
            np.testing.assert_array_equal(tally.distances, distances)


def test_an_image_is_labelled_once_for_both_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    labelled = list[Tensor]()

    def counted(maps: Tensor, *others: Any, **named: Any) -> Tensor:
        labelled.append(maps)
        return labels_from_cams(maps, *others, **named)

    monkeypatch.setattr("toco_core.scoring.cam_edges.labels_from_cams", counted)
    cams, masks = images()
    edges_of_cams(cams, masks, INFO, CamEdges(bkg=BKG, boundary=True, hausdorff=True))
    assert len(labelled) == 2 * len(cams)
    assert edges_of_cams(cams, masks, INFO, None) == ()
