"""Scores of a checkpoint: of its CAMs at every background threshold, and of its segmentation."""
