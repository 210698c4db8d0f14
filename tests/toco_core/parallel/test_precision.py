from __future__ import annotations

import pytest
import torch

from toco_core.parallel.precision import precision_on
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(params=[True, False])
def has_bfloat16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: request.param)
    return request.param


def test_auto_is_bfloat16_where_a_gpu_has_it(has_bfloat16: bool) -> None:
    assert precision_on(GPU, Recipe()) == ("bfloat16" if has_bfloat16 else "float32")
    assert precision_on(CPU, Recipe()) == "float32"


def test_the_authors_quirks_stay_in_float32(has_bfloat16: bool) -> None:
    quirks = apply_overrides(Recipe(), {"official_quirks": True})
    assert precision_on(GPU, quirks) == "float32"


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("device", [CPU, GPU])
def test_what_is_asked_for_is_what_is_computed(precision: str, device: torch.device) -> None:
    asked = apply_overrides(Recipe(), {"compute.precision": precision})
    assert precision_on(device, asked) == precision
