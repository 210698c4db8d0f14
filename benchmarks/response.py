"""How CAM mIoU answers to the searched hyper-parameters, one changed at a time.

    python -m benchmarks.response --seeds 2

A search is worth what the response is larger than the spread over seeds. Measured as in
`benchmarks.ablation`.
"""

from __future__ import annotations

from benchmarks.runs import Variants, compare_variants

VALUES: dict[str, tuple[float, ...]] = {
    "backbone.aux_layer": (-5, -4, -2, -1),
    "thresholds.low": (0.1, 0.4),
    "thresholds.high": (0.5, 0.85),
    "weights.ptc": (0.05, 0.5, 1.0),
    "weights.ctc": (0.1, 1.0),
}


def variants() -> Variants:
    """Return the recipe as it is, and every single change of it."""
    changed = {f"{key}={value}": {key: value} for key in VALUES for value in VALUES[key]}
    return {"the recipe": {}, **changed}


def main() -> None:
    """Read the command line, train what is missing, print the table."""
    compare_variants(__doc__, "reports/response.jsonl", variants())


if __name__ == "__main__":
    main()
