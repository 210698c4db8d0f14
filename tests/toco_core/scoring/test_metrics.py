from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from tests.toco_core.golden_files import golden
from toco_core.scoring.metrics import ConfusionMatrix, F1Counts

FILE = golden("metrics.npz")
IMAGES = [ConfusionMatrix.of(FILE[f"gt{i}"], FILE[f"pred{i}"], 7) for i in range(4)]


def test_scores_match_the_authors() -> None:
    matrix = reduce(add, IMAGES)
    assert matrix.pixel_accuracy == pytest.approx(FILE["pAcc"].item(), rel=1e-12)
    assert matrix.mean_accuracy == pytest.approx(FILE["mAcc"].item(), rel=1e-12)
    assert matrix.miou == pytest.approx(FILE["miou"].item(), rel=1e-12)
    np.testing.assert_allclose(matrix.iou, FILE["iou"].numpy(), rtol=1e-12)


def test_shards_add_up_in_any_order() -> None:
    left = (IMAGES[0] + IMAGES[1]) + (IMAGES[2] + IMAGES[3])
    right = reduce(add, reversed(IMAGES), ConfusionMatrix.empty(7))
    assert np.array_equal(left.counts, right.counts)
    valid = sum(int((FILE[f"gt{i}"] != 255).sum()) for i in range(4))
    assert left.counts.sum() == valid


def test_rows_are_the_truth() -> None:
    counts = ConfusionMatrix.of(torch.tensor([0, 1, 255]), torch.tensor([1, 1, 0]), 2).counts
    assert counts.tolist() == [[0, 1], [0, 1]]


def test_a_class_neither_present_nor_predicted_has_no_iou_and_no_part_in_the_mean() -> None:
    matrix = ConfusionMatrix.of(torch.tensor([0, 1]), torch.tensor([0, 1]), 3)
    assert np.isnan(matrix.iou[2])
    assert matrix.miou == 1.0


def test_an_empty_matrix_has_no_score() -> None:
    matrix = ConfusionMatrix.empty(3)
    assert np.isnan([matrix.miou, matrix.mean_accuracy, matrix.pixel_accuracy]).all()


@pytest.mark.parametrize(("truth", "prediction"), [([0, 3], [0, 0]), ([0, 1], [0, -1])])
def test_a_label_that_is_no_class_is_refused(truth: list[int], prediction: list[int]) -> None:
    with pytest.raises(ValueError, match=r"label -?\d, outside 0\.\.2"):
        ConfusionMatrix.of(torch.tensor(truth), torch.tensor(prediction), 3)


def test_f1_counts_add_up_to_the_f1_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 5, generator=generator)
    labels = (torch.rand(40, 5, generator=generator) > 0.6).float()
    counts = F1Counts.of(logits[:13], labels[:13]) + F1Counts.of(logits[13:], labels[13:])
    said = (logits > 0).float()
    expected = [f1_score(labels[:, c].numpy(), said[:, c].numpy()) for c in range(5)]
    np.testing.assert_allclose(counts.f1, expected)
    assert counts.macro_f1 == pytest.approx(np.mean(expected))


def test_f1_of_nothing_is_not_a_number() -> None:
    assert np.isnan(F1Counts.empty(3).macro_f1)
