"""Pretraining of the small ViT of the embedded recipe: `python -m toco_core.pretraining`."""
