"""A search in an object store: one session at a time, and its files here and there."""
