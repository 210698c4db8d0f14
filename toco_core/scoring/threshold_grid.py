"""The background thresholds that a CAM is scored at, and what a pixel counts as at them."""

from __future__ import annotations

STEPS = 1000  # thresholds 0, 0.001, ..., 1
BINS = STEPS + 2  # of values: below the first threshold, between two, above the last
HIT, ON_BACKGROUND, MISS = range(3)  # what the truth says of a pixel's strongest class
