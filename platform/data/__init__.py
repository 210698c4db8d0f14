"""The data command: what writes a dataset, what checks one, and what they show."""
