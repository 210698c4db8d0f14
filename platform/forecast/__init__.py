"""What a search or a run will cost, before it starts: estimated, or measured on its device."""
