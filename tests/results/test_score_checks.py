from __future__ import annotations

from typing import Any

import pytest

from platform.results.score_checks import suspicions

SOUND: dict[str, Any] = {
    "f1": 0.8,
    "bkg": 0.45,
    "score": 0.6,
    "aux_score": 0.58,
    "class_iou": [0.8, 0.5, float("nan")],
}
NAMES = ("background", "cat", "dog")


def test_a_sound_score_is_not_suspicious() -> None:
    assert suspicions(SOUND, NAMES) == []


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"f1": 0.0}, "F1 of the image labels is 0.0"),
        ({"class_iou": [0.9, 0.0, 0.0]}, "the CAM is background alone"),
        ({"bkg": 0.0}, "the best background threshold is 0.00"),
        ({"bkg": 1.0}, "the best background threshold is 1.00"),
        ({"aux_score": 0.7}, "the auxiliary CAM is 10.0 points above"),
        ({"class_iou": [0.8, 0.5, 0.0]}, "1 classes are never found (dog)"),
    ],
)
def test_each_sign_is_named_once_with_a_remedy(change: dict[str, Any], sign: str) -> None:
    (found,) = suspicions({**SOUND, **change}, NAMES)
    assert found.sign.startswith(sign)
    assert found.cause
    assert found.remedy
