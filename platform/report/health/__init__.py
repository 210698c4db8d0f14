"""The health of a search, a file for each kind of question."""
