"""What a few runs with equal seeds say: paired tests, who is best, how many seeds would tell."""
