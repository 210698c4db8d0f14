from __future__ import annotations

import pytest
import torch

from tests.toco_core.golden_files import assert_golden, golden
from tests.toco_core.losses.gradients import value_and_gradient
from tests.toco_core.losses.small_losses import FLAGS, ctc, ptc
from toco_core.losses.contrast import class_token_contrast, patch_token_contrast

FILE = golden("losses.npz")


def test_ptc_matches_the_authors() -> None:
    value, gradient = value_and_gradient(
        lambda x: patch_token_contrast(x, FILE["affinity"]), FILE["tokens"]
    )
    assert_golden(value, FILE["ptc"])
    assert_golden(gradient, FILE["ptc_grad"])


def test_ctc_matches_the_authors() -> None:
    value, gradient = value_and_gradient(
        lambda x: class_token_contrast(
            x, FILE["teacher"], FILE["flags"], float(FILE["temperature"])
        ),
        FILE["student"],
    )
    assert_golden(value, FILE["ctc"])
    assert_golden(gradient, FILE["ctc_grad"])


@pytest.mark.parametrize("scale", [1e2, 1e4, 1e8])
def test_ctc_is_finite_where_the_exponential_overflows(scale: float) -> None:
    torch.manual_seed(0)
    value, gradient = value_and_gradient(ctc, torch.randn(10, 3) * scale)
    assert value.isfinite()
    assert gradient.isfinite().all()
    assert gradient.any()


def test_ctc_at_large_logits_equals_the_literal_formula_in_float64() -> None:
    torch.manual_seed(0)
    student, teacher = torch.randn(10, 3).double() * 30, torch.randn(4, 3).double()
    z = torch.einsum("tbd,vbd->btv", teacher.view(2, 2, 3), student.view(5, 2, 3)) / 0.5
    e, positive = z.exp(), FLAGS[:, None, :].double()
    rest = (e * (1 - positive)).sum(dim=2, keepdim=True) + 1e-4
    terms = (-torch.log(e / (e + rest)) * positive).sum(dim=(1, 2))
    terms = terms - torch.log(1 / (1 + rest)).sum(dim=(1, 2))
    expected = (terms / 2 / (FLAGS.sum(dim=1) + 1e-4)).mean()
    assert z.max() > 88  # float32 overflows here
    torch.testing.assert_close(class_token_contrast(student, teacher, FLAGS, 0.5), expected)


@pytest.mark.parametrize("flag", [0.0, 1.0])
def test_ctc_is_finite_when_all_local_crops_agree(flag: float) -> None:
    torch.manual_seed(0)
    flags = torch.full((2, 5), flag)
    flags[:, :2] = 1
    student, teacher = torch.randn(10, 3), torch.randn(4, 3)
    value, gradient = value_and_gradient(
        lambda x: class_token_contrast(x, teacher, flags, 0.5), student
    )
    assert value.isfinite()
    assert gradient.isfinite().all()


def test_ctc_gives_the_teacher_no_gradient() -> None:
    student, teacher = torch.randn(10, 3).requires_grad_(), torch.randn(4, 3).requires_grad_()
    class_token_contrast(student, teacher, FLAGS, 0.5).backward()
    assert teacher.grad is None
    assert student.grad is not None


@pytest.mark.parametrize(
    ("pair", "expected"),
    [(0, 0.5 + 0.5 * 2 / 3), (1, 0.5 * (1 - 2 / 3)), (255, 0.5)],
)
def test_ptc_without_pairs_of_a_kind_is_the_other_half(pair: int, expected: float) -> None:
    affinity = torch.tensor([[[255, pair], [pair, 255]]])  # two ordered pairs, of cosine 1
    value, gradient = value_and_gradient(
        lambda tokens: patch_token_contrast(tokens, affinity), torch.ones(1, 2, 1, 2)
    )
    assert value.item() == pytest.approx(expected)
    assert gradient.isfinite().all()


def test_ptc_of_a_zero_token_has_a_finite_gradient() -> None:
    torch.manual_seed(0)
    tokens = torch.randn(2, 4, 2, 3)
    tokens[0, :, 0, 0] = 0
    _, gradient = value_and_gradient(ptc, tokens)
    assert gradient.isfinite().all()
    assert gradient.any()
