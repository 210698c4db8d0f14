"""How a step is computed: on several ranks, in parts, in lower precision."""
