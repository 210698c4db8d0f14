"""Export of what a trained network says of the images of a split: labels, CAMs, overlays."""
