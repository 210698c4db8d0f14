from __future__ import annotations

import pytest

from benchmarks.made_up_step import make_step
from benchmarks.training_step import largest_difference


@pytest.mark.parametrize("way", ["ours", "obvious"])
def test_losses_and_gradients_are_those_of_the_literal_schedule(way: str) -> None:
    made = make_step("partscenes_vit", size=96, images=3)
    loss, gradient = largest_difference(made, way)
    assert loss < 1e-5
    assert gradient < 1e-4
