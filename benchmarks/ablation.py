"""What each token contrast contributes (paper, table 4): no contrast, PTC, CTC, both.

    python -m benchmarks.ablation --seeds 3

Every variant is trained with the same seeds. CAM mIoU is measured on the `report` split, at the
background threshold that the `tune` split chose. Intervals are 95 % of Student's t over seeds.
Finished runs are kept, so that an interrupted ablation goes on where it stopped.
"""

from __future__ import annotations

import platform
from benchmarks.runs import Variants, base_recipe, parser, run_variants, table

VARIANTS: Variants = {
    "no contrast": {"weights.ptc": 0.0, "weights.ctc": 0.0},
    "PTC": {"weights.ctc": 0.0},
    "CTC": {"weights.ptc": 0.0},
    "PTC + CTC": {},
}


def main() -> None:
    """Read the command line, train what is missing, print the table."""
    options = parser(__doc__, "reports/ablation.jsonl").parse_args()
    outcomes = run_variants(VARIANTS, options)
    recipe = base_recipe(options)
    print(f"\n{recipe.name}, {recipe.iterations} iterations, {platform.machine()}\n")
    print(table(outcomes, VARIANTS))


if __name__ == "__main__":
    main()
