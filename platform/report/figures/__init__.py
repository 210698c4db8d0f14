"""The figures of a report: each a function from a search to a drawing with its numbers."""
