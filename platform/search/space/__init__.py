"""Search spaces: which settings vary, over what, and under which conditions."""
