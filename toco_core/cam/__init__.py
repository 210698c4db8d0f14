"""Class activation maps, and what is made of them: labels, token relations, local crops."""

from toco_core.cam.multi_scale import multi_scale_cam, normalise_cam

__all__ = ["multi_scale_cam", "normalise_cam"]
