"""How a run begins: classifiers from zero or as PyTorch has them, the backbone frozen at first.

    python -m benchmarks.beginnings --seeds 4

Every variant is trained with the same seeds. CAM mIoU is measured on the `report` split, at the
background threshold that the `tune` split chose. Intervals are 95 % of Student's t over seeds.
Finished runs are kept, so that an interrupted benchmark goes on where it stopped.
"""

from __future__ import annotations

from benchmarks.runs import Variants, compare_variants

VARIANTS: Variants = {
    "zero": {},
    "uniform": {"classifiers.init": "uniform"},
    "zero, frozen for the warm-up": {"optimiser.freeze": 15},
    "uniform, frozen for the warm-up": {"classifiers.init": "uniform", "optimiser.freeze": 15},
}


def main() -> None:
    """Read the command line, train what is missing, print the table."""
    compare_variants(__doc__, "reports/beginnings.jsonl", VARIANTS)


if __name__ == "__main__":
    main()
