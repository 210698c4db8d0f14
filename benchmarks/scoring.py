"""One CAM scored at every background threshold, against the literal way at a single one.

    python -m benchmarks.scoring

Literal: the label map at one threshold, then its confusion matrix, as the authors do for each
threshold they try. Ours: `ThresholdHistogram`, from which the curve over all 1001 follows. Both get
the CAM at the size of the mask. Target: at most 0.5 of the time.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.timing import alternate, machine, ratios
from toco_core.cam.pseudo_labels import cam_to_label
from toco_core.scoring.metrics import ConfusionMatrix, ThresholdHistogram

TARGET = 0.5
BKG = 0.5
CASES = (("VOC", 20, (375, 500), 1), ("VOC", 20, (375, 500), 2), ("COCO", 80, (480, 640), 3))


def literal(cam: Tensor, class_labels: Tensor, truth: Tensor, bkg: float) -> NDArray[np.int64]:
    """Return the confusion matrix (C + 1, C + 1) at one threshold."""
    predicted = cam_to_label(cam, class_labels, bkg).numpy()
    true, count = truth.numpy(), cam.shape[1] + 1
    valid = (true >= 0) & (true < count)
    pairs = count * true[valid] + predicted[valid]
    return np.bincount(pairs, minlength=count**2).reshape(count, count)


def sample(classes: int, size: tuple[int, int], present: int) -> tuple[Tensor, Tensor, Tensor]:
    """Make up a smooth CAM (1, C, H, W), image labels (1, C) and a mask (1, H, W)."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, classes, 28, 28, generator=generator)
    cam = F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
    chosen = torch.randperm(classes, generator=generator)[:present]
    class_labels = torch.zeros(1, classes).index_fill_(1, chosen, 1.0)
    truth = torch.tensor([0, *(chosen + 1).tolist()])[
        torch.randint(present + 1, (1, *size), generator=generator)
    ]
    truth[:, :4] = 255
    return cam, class_labels, truth


def require_equal(cam: Tensor, class_labels: Tensor, truth: Tensor) -> None:
    """Compare the IoU of every class at some thresholds."""
    curve = ThresholdHistogram.of(cam, class_labels, truth).curve()
    for bkg in (0.0, 0.25, BKG, 0.777, 1.0):
        counts = ConfusionMatrix(literal(cam, class_labels, truth, bkg))
        index = round(bkg * (len(curve.thresholds) - 1))
        np.testing.assert_array_equal(curve.iou[index], counts.iou)


def main() -> None:
    """Read the command line, measure, print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=51)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(machine())
    for name, classes, size, present in CASES:
        data = sample(classes, size, present)
        require_equal(*data)
        times = alternate(
            {
                "literal": lambda data=data: literal(*data, BKG),
                "ours": lambda data=data: ThresholdHistogram.of(*data),
            },
            options.repeats,
        )
        print(f"\n{name}: {classes} classes, {present} present, {size[1]}x{size[0]} px; equal IoU")
        print(f"  literal, 1 threshold     {times['literal']}")
        print(f"  ours, 1001 thresholds    {times['ours']}")
        print(
            f"  ratio                    {ratios(times['ours'], times['literal'])}, target {TARGET}"
        )


if __name__ == "__main__":
    main()
