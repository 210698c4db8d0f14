"""Labels read off a CAM by their public name."""

from toco_core.cam.pseudo_labels import cam_to_label, token_affinity, uncertainty_map

__all__ = ["cam_to_label", "token_affinity", "uncertainty_map"]
