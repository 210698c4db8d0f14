"""The search: its space, who proposes, what is stopped early, and how much runs at once."""
