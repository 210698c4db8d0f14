"""How many seeds a study may have; apart, so that options can be checked without NumPy."""

MOST_SEEDS = 20  # the exact test looks at 2^n patterns of signs: a million of them take 10 ms
