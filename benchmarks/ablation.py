"""What each token contrast contributes (paper, table 4): no contrast, PTC, CTC, both.

    python -m benchmarks.ablation --seeds 3

Every variant is trained with the same seeds. CAM mIoU is measured on the `report` split, at the
background threshold that the `tune` split chose. Intervals are 95 % of Student's t over seeds.
Finished runs are kept, so that an interrupted ablation goes on where it stopped.
"""

from __future__ import annotations

from benchmarks.runs import Variants, compare_variants

VARIANTS: Variants = {
    "no contrast": {"weights.ptc": 0.0, "weights.ctc": 0.0},
    "PTC": {"weights.ctc": 0.0},
    "CTC": {"weights.ptc": 0.0},
    "PTC + CTC": {},
}


def main() -> None:
    """Read the command line, train what is missing, print the table."""
    compare_variants(__doc__, "reports/ablation.jsonl", VARIANTS)


if __name__ == "__main__":
    main()
