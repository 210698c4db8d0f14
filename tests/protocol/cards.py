"""A protocol card for the tests of what shows or compares it."""

from __future__ import annotations

from typing import Any

from platform.protocol.card import ProtocolCard, Threshold


def make_card(**changes: Any) -> ProtocolCard:
    """Return a card of CAMs; changes are lines by name."""
    lines: dict[str, Any] = {
        "measured": "CAM mIoU",
        "dataset": "PartScenes",
        "dataset_hash": "0123456789abcdef",
        "split": "report",
        "images": 16,
        "images_in_split": 16,
        "masks_opened": {"report, evaluation:": 16},
        "image_labels_at_test": "the classes of each image",
        "input_size": "resized to 64 x 64 px",
        "scales": [1.0, 0.5, 1.5],
        "ignored": "pixels of 255",
        "threshold": Threshold(value=0.43, source="--bkg"),
        "aux_threshold": Threshold(value=0.43, source="--bkg"),
        "recipe": "partscenes",
        "iteration": "the last, 120",
        "seed": 0,
        "backbone": "partscenes_vit",
        "weights": "embedded",
        "weights_hash": "ab" * 32,
        "checkpoint_hash": "cd" * 32,
        "code": "0.1.0",
        "computed_on": ["cpu, float32"],
    }
    return ProtocolCard(**{**lines, **changes})
