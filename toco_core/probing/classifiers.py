"""How well linear classifiers tell the classes apart on frozen features."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score
from torch import Tensor

_DECAY = 1e-2  # L2 on standardised features: a few hundred images have as many dimensions
_ITERATIONS = 100
HELD_OUT = 0.3  # of the images


def probe(features: Tensor, labels: Tensor, seed: int = 0) -> Tensor:
    """Return the average precision of each class on held-out images, (C,).

    One logistic regression for each class, on features that are standardised by the images it is
    fitted to. NaN for a class that either part of the images does not show.

    Args:
        features: (N, D).
        labels: (N, C), 0 or 1.
        seed: draws the images that are held out.
    """
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    held_out, fitted = order.tensor_split([round(HELD_OUT * len(order))])
    mean, sd = features[fitted].mean(0), features[fitted].std(0).clamp_min(1e-6)
    standard = (features - mean) / sd
    weights = _fit(standard[fitted], labels[fitted])
    scores = _scores(standard[held_out], weights)
    shown = (labels[fitted].sum(0) > 0) & (labels[held_out].sum(0) > 0)
    found = zip(labels[held_out].T.numpy(), scores.T.numpy(), shown.tolist(), strict=True)
    values = [average_precision_score(y, s) if known else math.nan for y, s, known in found]
    return torch.tensor(values)


def _fit(features: Tensor, labels: Tensor) -> Tensor:
    """Return weights and biases (D + 1, C) that minimise the penalised logistic loss."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        features, labels = features.clone(), labels.clone()  # of inference mode they may be
        weights = torch.zeros(features.shape[1] + 1, labels.shape[1], requires_grad=True)
        optimiser = torch.optim.LBFGS(
            [weights], max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = F.binary_cross_entropy_with_logits(_scores(features, weights), labels)
            loss = labels.shape[1] * loss + _DECAY / 2 * weights[:-1].square().sum()
            loss.backward()
            return loss

        optimiser.step(closure)  # pyright: ignore[reportArgumentType]  # it returns a tensor
    return weights.detach()


def _scores(features: Tensor, weights: Tensor) -> Tensor:
    return features @ weights[:-1] + weights[-1]
