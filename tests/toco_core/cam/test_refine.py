from __future__ import annotations

import pytest
import torch

from tests.toco_core.golden_files import assert_golden, golden
from toco_core.cam.refine import PixelAdaptiveRefinement, refine_labels
from toco_core.images import IMAGENET_MEAN, IMAGENET_STD, denormalize, eight_bit

FILE = golden("refine.npz")
PAR = PixelAdaptiveRefinement()


def refined(chosen: slice, cam: torch.Tensor = FILE["valid_cam"]) -> torch.Tensor:
    images, classes, boxes = FILE["full_images"], FILE["cls_label"], FILE["img_box"]
    return refine_labels(
        PAR, images[chosen], cam[chosen], classes[chosen], 0.25, 0.7, boxes[chosen]
    )


def test_par_matches_the_authors() -> None:
    assert_golden(PAR(FILE["images"], FILE["masks"]), FILE["refined"])


def test_refined_labels_match_the_authors() -> None:
    assert torch.equal(refined(slice(None)), FILE["refined_label"].long())


@pytest.mark.parametrize("image", range(3))
def test_an_image_is_refined_alike_alone_and_in_a_batch(image: int) -> None:
    alone = slice(image, image + 1)
    assert torch.equal(refined(alone), refined(slice(None))[alone])


def test_the_cam_of_an_absent_class_changes_nothing() -> None:
    absent = (FILE["cls_label"] == 0)[:, :, None, None]
    loud = FILE["valid_cam"].masked_fill(absent, 5.0)
    assert torch.equal(refined(slice(None), loud), FILE["refined_label"].long())


def test_par_keeps_a_constant_mask_but_for_its_gain() -> None:
    # The colour weights sum to 1, the position weights to 0.01.
    out = PixelAdaptiveRefinement(2, (1, 2))(torch.rand(1, 3, 5, 6), torch.ones(1, 2, 5, 6))
    torch.testing.assert_close(out, torch.full_like(out, 1.01**2))


def test_par_of_a_flat_image_is_finite() -> None:
    out = PAR(torch.full((1, 3, 8, 8), 0.3), torch.rand(1, 2, 8, 8))
    assert out.isfinite().all()


def test_no_iteration_leaves_the_masks_alone() -> None:
    masks = torch.rand(1, 2, 5, 6)
    assert torch.equal(PixelAdaptiveRefinement(0)(torch.rand(1, 3, 5, 6), masks), masks)


@pytest.mark.parametrize(("iterations", "dilations"), [(-1, (1,)), (1, ()), (1, (0, 2))])
def test_settings_without_a_meaning_are_refused(
    iterations: int, dilations: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="must be"):
        PixelAdaptiveRefinement(iterations, dilations)


def test_images_and_masks_of_different_size_are_refused() -> None:
    with pytest.raises(ValueError, match="same batch and size"):
        PAR(torch.rand(1, 3, 5, 6), torch.rand(1, 2, 5, 5))


def test_eight_bit_truncates_what_denormalize_restores() -> None:
    levels = torch.tensor([0.4, 10.9, 254.5]).view(1, 1, 1, 3).expand(1, 3, 1, 3)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    normalised = (levels / 255 - mean) / std
    torch.testing.assert_close(denormalize(normalised), levels, rtol=0, atol=1e-3)
    assert torch.equal((eight_bit(normalised) * 255).round(), levels.floor())
