"""Training of a segmentation network on labels of every pixel, as a second stage does it."""
