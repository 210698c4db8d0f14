from __future__ import annotations

import torch

from tests.toco_core.small_run import random_batch, small_recipe
from toco_core.model.toco import build_model
from toco_core.step import ToCoLosses
from toco_core.training.feed import Fed, PlainFeed


def test_a_plain_feed_hands_out_every_batch_once() -> None:
    batches = [random_batch(small_recipe(seed=seed)) for seed in range(3)]
    feed = PlainFeed(iter(batches), torch.device("cpu"))
    for batch in batches:
        feed.fetch()
        assert feed.take().batch.names == batch.names


def test_a_fed_batch_is_written_over_in_place() -> None:
    recipe = small_recipe()
    losses = ToCoLosses(build_model(recipe, num_classes=3), recipe)
    assert losses.corners is not None
    first, second = (random_batch(small_recipe(seed=seed)) for seed in (1, 2))
    second = second._replace(images=second.images + 0.5)
    given, other = (Fed(batch, losses.corners(batch.images)) for batch in (first, second))
    kept = given.clone()
    places = [tensor.data_ptr() for tensor in kept.tensors()]
    kept.copy_(other)
    assert [tensor.data_ptr() for tensor in kept.tensors()] == places
    for ours, theirs in zip(kept.tensors(), other.tensors(), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(given.batch.images, first.images)  # a clone shares nothing
