"""Counts on a GPU: those of the CPU to the pixel, and no wait before the end."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.toco_core.fake_gpu import WaitingCopies
from toco_core.scoring.running_counts import DeviceCounts, counts_on
from toco_core.scoring.thresholds import ThresholdHistogram

CLASSES = 5
SHOWN = ([0, 2, 4], [3], [], [1, 2])
SIZES = ((31, 40), (17, 9), (12, 12), (40, 23))


def images() -> list[tuple[Tensor, Tensor, Tensor]]:
    """Maps (K, H, W) with values on the thresholds too, classes (K,), truth (H, W), of each."""
    generator = torch.Generator().manual_seed(0)
    made: list[tuple[Tensor, Tensor, Tensor]] = []
    for shown, size in zip(SHOWN, SIZES, strict=True):
        maps = torch.rand(len(shown), *size, generator=generator)
        maps[:, :5] = (maps[:, :5] * 1000).round() / 1000
        maps[:, 0, :2] = torch.tensor([0.0, 1.0])
        truth = torch.randint(0, CLASSES + 1, size, generator=generator)
        truth[-2:] = 255
        made.append((maps, torch.tensor(shown, dtype=torch.long), truth))
    return made


@pytest.mark.parametrize("kind", [torch.long, torch.short])
def test_the_counts_of_a_gpu_are_those_of_the_cpu(kind: torch.dtype) -> None:
    device = DeviceCounts(CLASSES, 255, torch.device("cpu"))
    expected = ThresholdHistogram.empty(CLASSES)
    for maps, classes, truth in images():
        device.add(maps, classes, truth.to(kind))
        expected += ThresholdHistogram.of_present(maps, classes, truth, CLASSES)
    counted = device.histogram()
    np.testing.assert_array_equal(counted.outcomes, expected.outcomes)
    np.testing.assert_array_equal(counted.truth, expected.truth)
    assert counted.outcomes.dtype == counted.truth.dtype == np.int64


@pytest.mark.parametrize("wrong", [-1, CLASSES + 1, 200])
@pytest.mark.parametrize("kind", ["host", "device"])
def test_a_label_that_is_no_class_is_refused(kind: str, wrong: int) -> None:
    maps, classes, truth = images()[0]
    truth[3, 3] = wrong
    cpu = torch.device("cpu")
    counts = DeviceCounts(CLASSES, 255, cpu) if kind == "device" else counts_on(cpu, CLASSES, 255)

    def count() -> None:
        counts.add(maps, classes, truth)
        counts.histogram()

    with pytest.raises(ValueError, match=rf"{wrong}.*outside 0\.\.5"):
        count()


def test_nothing_is_waited_for_while_images_are_added() -> None:
    with FakeTensorMode(), WaitingCopies() as copies:  # which refuses to read a value of a GPU
        counts = counts_on(torch.device("cuda"), CLASSES, 255, keep=2)
        assert isinstance(counts, DeviceCounts)
        for shown, size in zip(SHOWN, SIZES, strict=True):
            maps = torch.empty(len(shown), *size, device="cuda")
            truth = torch.empty(size, dtype=torch.short, device="cuda")
            counts.add(maps, torch.empty(len(shown), dtype=torch.long), truth)
    assert [copy for copy in copies.found if not copy.startswith("(1001,)")] == []
