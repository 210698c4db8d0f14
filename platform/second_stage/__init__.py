"""A second stage: a network trained on pseudo-labels, which says what they are worth."""
