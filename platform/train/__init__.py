"""One training run, with or without Ray Train around it."""
