"""The contrast of patch tokens (PTC) and of class tokens (CTC)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.losses.halves import Halves
from toco_core.losses.precision import at_least_float32

# Keeps the denominator of CTC positive when an image has no negative view, and its mean defined
# when it has no positive one (authors' code; the paper writes an epsilon).
CTC_EPSILON = 1e-4


def patch_token_contrast(tokens: Tensor, affinity: Tensor) -> Tensor:
    """Pull patch tokens of one class together and others apart: PTC (paper, equation 4).

    Args:
        tokens: (B, D, h, w) final patch tokens.
        affinity: (B, N, N), N = h * w: 1 positive pair, 0 negative, anything else does not count.

    Returns:
        Scalar in 0..1. Without positive (or negative) pairs that half has no gradient.
    """
    return patch_token_loss(patch_token_sums(tokens, affinity))


def patch_token_loss(halves: Halves) -> Tensor:
    """Return PTC of the sums over positive and over negative pairs, and of their counts."""
    (positive, negative), (n_positive, n_negative) = halves
    return 0.5 * (1 - positive / (n_positive + 1)) + 0.5 * negative / (n_negative + 1)


def patch_token_sums(tokens: Tensor, affinity: Tensor) -> Halves:
    """Sum |cosine| over the positive and over the negative pairs; arguments as in PTC."""
    unit = F.normalize(at_least_float32(tokens).flatten(2), dim=1, eps=1e-8)  # (B, D, N)
    similarity = (unit.transpose(1, 2) @ unit).abs()  # (B, N, N)
    pairs = [(affinity == 1).to(similarity.dtype), (affinity == 0).to(similarity.dtype)]
    sums = torch.stack([torch.sum(similarity * chosen) for chosen in pairs])
    return Halves(sums, torch.stack([chosen.sum() for chosen in pairs]))


def pair_counts(token_labels: Tensor, ignore_index: int = 255) -> Tensor:
    """Count the positive and the negative pairs of the tokens labelled so.

    Without the matrix of pairs: m tokens of one label make m (m - 1) positive pairs.

    Args:
        token_labels: (B, h, w), 0..255.
        ignore_index: label of the tokens that do not count.

    Returns:
        (2,) int64: what `patch_token_sums` counts for their `token_affinity`.
    """
    flat = token_labels.flatten(1)  # (B, N)
    sizes = torch.zeros(len(flat), 256, dtype=torch.int64, device=flat.device)
    sizes = sizes.scatter_add(1, flat, (flat != ignore_index).long())  # (B, 256) tokens of a label
    tokens, same = sizes.sum(dim=1), sizes.square().sum(dim=1)  # (B,)
    return torch.stack([(same - tokens).sum(), (tokens.square() - same).sum()])


def class_token_contrast(
    student: Tensor, teacher: Tensor, is_positive: Tensor, temperature: float
) -> Tensor:
    """Contrast global views with confident and uncertain local crops: CTC (paper, equation 6).

    -log(e^z / (e^z + sum of negatives + epsilon)) is -log sigmoid(z - L), L the logarithm of the
    rest of the denominator. This form is finite for every z; e^z alone overflows from z = 88.

    Args:
        student: (V * B, D) of all V views, row = view * B + image; the two global views first.
        teacher: (2 * B, D) of the two global views, in the same order. Gets no gradient.
        is_positive: (B, V) 0/1; 1 for both global views.
        temperature: divides the products.

    Returns:
        Scalar.
    """
    images, views = is_positive.shape
    student = at_least_float32(student).view(views, images, -1)  # (V, B, D)
    teacher = at_least_float32(teacher.detach()).view(2, images, -1)  # (2, B, D)
    z = torch.einsum("tbd,vbd->btv", teacher, student) / temperature  # (B, 2, V)
    positive = (is_positive > 0)[:, None, :]  # (B, 1, V)
    negatives = F.pad(z.masked_fill(positive, -math.inf), (0, 1), value=math.log(CTC_EPSILON))
    log_rest = negatives.logsumexp(dim=2, keepdim=True)  # (B, 2, 1)
    per_view = torch.where(positive, -F.logsigmoid(z - log_rest), 0).sum(dim=(1, 2))  # (B,)
    # The authors' further term: a positive of e^0 against the same negatives, once a teacher view.
    per_view = per_view - F.logsigmoid(-log_rest).sum(dim=(1, 2))
    return (per_view / 2 / (positive.sum(dim=(1, 2)) + CTC_EPSILON)).mean()
