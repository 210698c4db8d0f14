"""The segmentation of a whole image: the published inference, spelt out, for images of any size."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.toco_core.official_network import official_network
from toco_core.images import normalise
from toco_core.model.toco import ToCo
from toco_core.scoring.inference import segment, whole_patches

PATCH = 16


@pytest.fixture(scope="module")
def model() -> ToCo:
    return official_network().eval()


def noise(height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)


def resized(maps: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(maps, size=(height, width), mode="bilinear", align_corners=False)


def literal(model: ToCo, pixels: Tensor, scales: tuple[float, ...]) -> Tensor:
    """One pass for each scale and its mirror image: sum of the two, maximum over scales."""
    height, width = pixels.shape[1:]
    image, totals = normalise(pixels)[None], []
    for scale in scales:
        scaled = resized(image, int(scale * height), int(scale * width))
        straight, mirrored = (model(one).seg for one in (scaled, scaled.flip(3)))
        both = resized(straight, height, width) + resized(mirrored, height, width).flip(3)
        totals.append(both)
    return torch.stack(totals).amax(dim=0)[0]


@torch.no_grad()
@pytest.mark.parametrize("size", [(64, 96), (71, 90)])
def test_several_scales_are_the_published_inference(model: ToCo, size: tuple[int, int]) -> None:
    pixels = noise(*size)
    logits = segment(model, pixels, (1.0, 1.25, 1.5), cut_off=True)
    torch.testing.assert_close(logits.multi, literal(model, pixels, (1.0, 1.25, 1.5)))
    seg = model(normalise(pixels)[None]).seg
    torch.testing.assert_close(logits.single, resized(seg, *size)[0])


def test_where_patches_fit_nothing_is_cut_off(model: ToCo) -> None:
    pixels = noise(64, 128)  # also at 1.25 and 1.5
    rounded = segment(model, pixels, (1.0, 1.25, 1.5))
    exact = segment(model, pixels, (1.0, 1.25, 1.5), cut_off=True)
    assert torch.equal(rounded.multi, exact.multi)
    assert torch.equal(rounded.single, exact.single)


def test_the_far_sides_of_an_image_are_seen(model: ToCo) -> None:
    pixels = noise(40, 47)
    changed = pixels.clone()
    changed[:, :, 36:] = 255  # beyond the second patch
    seen, cut = (
        [segment(model, one, (), cut_off=cut_off).single for one in (pixels, changed)]
        for cut_off in (False, True)
    )
    assert torch.equal(*cut)
    assert not torch.equal(*seen)


def test_the_mirror_image_has_the_mirrored_segmentation(model: ToCo) -> None:
    pixels = noise(48, 80)
    straight = segment(model, pixels, (1.0, 1.5)).multi
    mirrored = segment(model, pixels.flip(2), (1.0, 1.5)).multi
    torch.testing.assert_close(mirrored.flip(2), straight)


def test_without_scales_there_is_the_single_one(model: ToCo) -> None:
    pixels = noise(48, 80)
    logits = segment(model, pixels, ())
    assert torch.equal(logits.multi, logits.single)
    torch.testing.assert_close(logits.single, segment(model, pixels, (0.5, 1.0)).single)


@pytest.mark.parametrize(
    ("side", "scale", "expected"), [(448, 1.25, 560), (375, 1.0, 368), (500, 1.5, 752), (5, 1, 16)]
)
def test_a_side_is_rounded_to_whole_patches(side: int, scale: float, expected: int) -> None:
    assert whole_patches(side, scale, PATCH) == expected
