"""ToCo: token contrast for weakly-supervised semantic segmentation.

Ru et al., CVPR 2023, arXiv 2303.01267. The names below are imported when they are first used:
a command that only shows its help needs no torch.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Recipe": "toco_core.settings",
    "Score": "toco_core.scoring.cam_score",
    "ToCo": "toco_core.model",
    "Trainer": "toco_core.trainer",
    "apply_overrides": "toco_core.settings.overrides",
    "build_model": "toco_core.model",
    "load_checkpoint": "toco_core.checkpoint",
    "load_official": "toco_core.checkpoint",
    "load_recipe": "toco_core.settings.overrides",
    "load_trained": "toco_core.trained_network",
    "multi_scale_cam": "toco_core.cam",
    "open_dataset": "toco_core.data.reader",
    "save_checkpoint": "toco_core.checkpoint",
    "score_chunk": "toco_core.scoring.cam",
    "summarise": "toco_core.scoring.cam_score",
}
__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]  # see __init__.pyi


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
