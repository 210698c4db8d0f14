"""Images have to be made of whole patches of the backbone."""

from __future__ import annotations

from toco_core.settings import Recipe


def require_patches(recipe: Recipe, patch: int) -> None:
    """Refuse now what would go wrong in a step: inputs of less than a patch, or of a part of one.

    What does not fill a patch is cut off, and the CAM of the rest would be stretched over the crop.

    Args:
        recipe: the whole run.
        patch: side of the backbone's patches, px.

    Raises:
        ValueError: names the setting, and the way out.
    """
    crop = recipe.data.crop_size
    if crop >= patch and crop % patch:
        below = crop // patch * patch
        raise ValueError(
            f"data.crop_size {crop} px is no whole number of patches of {recipe.backbone.name} "
            f"({patch} px): take {below} or {below + patch}"
        )
    sides = {"ctc.local_size": recipe.ctc.local_size}
    sides |= {f"data.crop_size at cam.scales {s}": int(s * crop) for s in recipe.cam.scales}
    for name, side in sides.items():
        if side < patch:
            raise ValueError(
                f"{name} is {side} px, less than one patch of {recipe.backbone.name} ({patch} px)"
            )
