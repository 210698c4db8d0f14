"""How CAM mIoU answers to the searched hyper-parameters, one changed at a time.

    python -m benchmarks.response --seeds 2

A search is worth what the response is larger than the spread over seeds. Measured as in
`benchmarks.ablation`.
"""

from __future__ import annotations

import platform
from benchmarks.runs import Variants, base_recipe, parser, run_variants, table

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
    options = parser(__doc__, "reports/response.jsonl").parse_args()
    outcomes = run_variants(variants(), options)
    recipe = base_recipe(options)
    print(f"\n{recipe.name}, {recipe.iterations} iterations, {platform.machine()}\n")
    print(table(outcomes, variants()))


if __name__ == "__main__":
    main()
