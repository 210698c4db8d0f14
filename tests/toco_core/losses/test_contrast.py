from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.toco_core.golden_files import assert_golden, golden
from toco_core.losses.contrast import (
    balanced_cross_entropy,
    balanced_cross_entropy_sums,
    class_token_contrast,
    multilabel_soft_margin,
    patch_token_contrast,
)

FILE = golden("losses.npz")
FLAGS = torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0]])


def ptc(tokens: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    affinity = torch.randint(0, 3, (2, 6, 6), generator=generator)  # 2 counts as neither
    return patch_token_contrast(tokens, affinity)


def ctc(student: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    teacher = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    teacher = teacher if student.dtype == torch.float64 else teacher.float()
    return class_token_contrast(student, teacher, FLAGS, 0.5)


def seg(logits: Tensor) -> Tensor:
    labels = torch.tensor([[[0, 1, 255], [2, 0, 0]], [[255, 2, 2], [1, 0, 1]]])
    return balanced_cross_entropy(logits, labels)


LOSSES = [(ptc, (2, 4, 2, 3)), (ctc, (10, 3)), (seg, (2, 3, 2, 3))]


def value_and_gradient(loss: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    value = loss(x)
    return value.detach(), torch.autograd.grad(value, x)[0]


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


def test_seg_matches_the_authors() -> None:
    value, gradient = value_and_gradient(
        lambda x: balanced_cross_entropy(x, FILE["pseudo_label"]), FILE["seg_logits"]
    )
    assert_golden(value, FILE["seg"])
    assert_golden(gradient, FILE["seg_grad"])


@pytest.mark.parametrize(("loss", "shape"), LOSSES)
def test_gradient_is_the_derivative(
    loss: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    assert torch.autograd.gradcheck(loss, torch.randn(shape).double().requires_grad_())


@pytest.mark.parametrize(("loss", "shape"), LOSSES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(
    loss: Callable[[Tensor], Tensor], shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape).to(dtype)
    assert loss(x).dtype == torch.float32
    assert torch.equal(loss(x), loss(x.float()))


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


@pytest.mark.parametrize("label", [0, 1])
def test_seg_counts_an_empty_half_as_zero(label: int) -> None:
    torch.manual_seed(0)
    logits = torch.randn(1, 3, 2, 2)
    labels = torch.full((1, 2, 2), label)
    expected = 0.5 * torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(balanced_cross_entropy(logits, labels), expected)


def test_seg_with_nothing_labelled_is_zero_with_zero_gradient() -> None:
    labels = torch.full((1, 2, 2), 255)
    value, gradient = value_and_gradient(
        lambda x: balanced_cross_entropy(x, labels), torch.randn(1, 3, 2, 2)
    )
    assert value == 0
    assert not gradient.any()


def test_seg_sums_of_parts_give_the_loss_of_the_whole() -> None:
    logits, labels = FILE["seg_logits"], FILE["pseudo_label"]
    parts = [balanced_cross_entropy_sums(logits[i : i + 1], labels[i : i + 1]) for i in range(3)]
    sums = torch.stack([part.sums for part in parts]).sum(dim=0)
    counts = torch.stack([part.counts for part in parts]).sum(dim=0)
    torch.testing.assert_close((0.5 * sums / counts).sum(), balanced_cross_entropy(logits, labels))


def test_cls_is_the_mean_binary_cross_entropy() -> None:
    logits, labels = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]])
    expected = -(torch.tensor(2.0).sigmoid().log() + torch.tensor(1.0).sigmoid().log()) / 2
    torch.testing.assert_close(multilabel_soft_margin(logits, labels), expected)
