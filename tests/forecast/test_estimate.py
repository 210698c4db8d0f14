"""The plan before a search: what runs where, what a score costs, and when that is too much."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from platform.cluster.placement import Resources
from platform.forecast.estimate import Forecast, forecast
from platform.forecast.lines import plan_lines, spell, warning
from platform.search.options import Resources as Options
from platform.search.setup import place_search
from toco_core.cost import score_operations, step_operations
from toco_core.encoder_size import PARTSCENES_SIZE, EncoderSize
from toco_core.settings.overrides import apply_overrides, load_recipe

VIT_B = EncoderSize(depth=12, width=768, hidden=3072, patch=16)
VOC = apply_overrides(load_recipe("voc_vit_b"), {})
H100 = [{"CPU": 16.0, "GPU": 1.0, "accelerator_type:H100": 1.0}]


def planned(nodes: Sequence[Resources], options: Options | None = None) -> Forecast:
    placement = place_search(nodes, options or Options(), VOC)
    return forecast(nodes, placement, VOC, VIT_B, 1464)


def test_the_operations_of_vit_b_are_those_that_were_counted() -> None:
    assert score_operations(VOC, VIT_B) / 1e12 == pytest.approx(1.22, rel=0.01)
    assert 4 * step_operations(VOC, VIT_B) / 1e12 == pytest.approx(8.66, rel=0.02)


def test_a_score_on_the_gpu_of_a_trial_takes_a_tenth_of_the_training_at_most() -> None:
    plan = planned(H100)
    assert plan.precision == "bfloat16"
    assert 6 < plan.score_seconds < 9
    assert plan.score_seconds < 0.1 * plan.interval_seconds
    assert warning(plan) is None


def test_the_plan_says_what_runs_where() -> None:
    training, scoring = plan_lines(planned(H100))
    assert "1 trial at once, each on 1 H100, in bfloat16; 12 loading processes" in training
    assert "1 evaluation worker on 0.1 of a GPU each; 1,464 images x 1.2 TFLOP" in scoring
    assert "up to 1 in flight" in scoring


def test_scores_on_cpus_beside_gpus_are_warned_of_with_the_numbers() -> None:
    plan = planned(H100, Options(scorer_gpus=0.0))
    assert 3600 * 3 < plan.score_seconds < 3600 * 9
    text = warning(plan)
    assert text is not None
    assert "takes 3.8 h" in text
    assert "--scorer-gpus" in text
    assert "\n" not in text


def test_the_embedded_search_on_two_cores_keeps_up() -> None:
    recipe = load_recipe("partscenes")
    nodes = [{"CPU": 2.0}]
    plan = forecast(nodes, place_search(nodes, Options(), recipe), recipe, PARTSCENES_SIZE, 100)
    assert (plan.precision, plan.device, plan.placement.loaders) == ("float32", None, 0)
    assert warning(plan) is None


def test_what_the_recipe_says_of_precision_is_kept() -> None:
    quirks = apply_overrides(VOC, {"official_quirks": True})
    placement = place_search(H100, Options(), quirks)
    plan = forecast(H100, placement, quirks, VIT_B, 1464)
    assert plan.precision == "float32"
    assert plan.step_seconds > 5 * planned(H100).step_seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.045, "45 ms"), (0.37, "370 ms"), (7.3, "7.3 s"), (185, "3.1 min"), (27000, "7.5 h")],
)
def test_times_are_as_exact_as_they_are_known(seconds: float, text: str) -> None:
    assert spell(seconds) == text
