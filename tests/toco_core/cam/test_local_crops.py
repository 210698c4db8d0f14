from __future__ import annotations

import pytest
import torch

from tests.toco_core.golden_files import golden
from toco_core.cam.local_crops import centre_grid, cut_local_crops, random_keys

IMAGE = torch.arange(3 * 20 * 30, dtype=torch.float32).view(1, 3, 20, 30)
SEED = torch.tensor([7])


def corners(crops: torch.Tensor) -> list[tuple[int, int]]:
    """Read from IMAGE's values, which tell the pixel, where the crops (n, 3, S, S) come from."""
    return [divmod(int(first), 30) for first in crops[:, 0, 0, 0]]


def test_crops_and_flags_in_raster_order_match_the_authors() -> None:
    file = golden("labels.npz")
    rows, columns = centre_grid((64, 72), 24)
    raster = torch.arange(rows * columns).expand(3, -1)
    local = cut_local_crops(
        file["crop_images"], file["roi_mask"], torch.zeros(3).long(), count=4, size=24, keys=raster
    )
    assert torch.equal(local.crops, file["crops"])
    assert torch.equal(local.is_positive, file["flags"])


def test_crops_are_centred_where_the_map_is_not_foreground() -> None:
    uncertainty = torch.full((1, 20, 30), 2)
    uncertainty[:, 6:9, 10:14] = 1  # 12 centres
    local = cut_local_crops(IMAGE, uncertainty, SEED, count=12, size=8)
    expected = [(r - 4, c - 4) for r in range(6, 9) for c in range(10, 14)]
    assert sorted(corners(local.crops[0])) == expected


def test_all_centres_are_candidates_when_there_are_too_few() -> None:
    uncertainty = torch.full((1, 20, 30), 2)
    uncertainty[:, 8, 10] = 1
    local = cut_local_crops(IMAGE, uncertainty, SEED, count=8, size=8)
    assert len(set(corners(local.crops[0]))) == 8


def test_an_image_as_small_as_the_crop_repeats_its_one_centre() -> None:
    image, uncertainty = torch.rand(1, 3, 8, 8), torch.zeros(1, 8, 8)
    local = cut_local_crops(image, uncertainty, SEED, count=3, size=8)
    assert torch.equal(local.crops[0], image.expand(3, -1, -1, -1))


@pytest.mark.parametrize(("foreground", "positive"), [(6, 0.0), (7, 1.0)])
def test_a_crop_is_negative_up_to_the_share_of_uncertainty(
    foreground: int, positive: float
) -> None:
    uncertainty = torch.zeros(1, 8, 8)
    uncertainty.view(-1)[:foreground] = 2  # 0.2 * 64 = 12.8: six pixels of 2 are below it
    local = cut_local_crops(IMAGE[..., :8, :8], uncertainty, SEED, count=1, size=8)
    assert local.is_positive.tolist() == [[1.0, 1.0, positive]]


def test_the_choice_of_an_image_depends_on_its_seed_and_not_on_its_neighbours() -> None:
    maps = torch.randint(0, 3, (2, 20, 30), generator=torch.Generator().manual_seed(0))
    images = IMAGE.expand(2, -1, -1, -1)

    def crops(first: int, second: int) -> torch.Tensor:
        seeds = torch.tensor([first, second])
        return cut_local_crops(images, maps, seeds, count=4, size=6).crops

    assert torch.equal(crops(1, 2)[1], crops(9, 2)[1])
    assert not torch.equal(crops(1, 2)[0], crops(9, 2)[0])


def test_every_centre_is_drawn_equally_often() -> None:
    order = random_keys(torch.arange(4000), 10).argmin(dim=1)
    share = torch.bincount(order, minlength=10) / 4000
    assert share.sub(0.1).abs().max() < 0.02  # four standard deviations


def test_keys_are_positive_and_all_different() -> None:
    keys = random_keys(torch.tensor([0, -1, 2**62]), 1000)
    assert keys.min() >= 0
    assert keys.unique().numel() == keys.numel()


def test_crops_larger_than_the_image_are_refused() -> None:
    with pytest.raises(ValueError, match=r"96 px do not fit into images of 64 x 64 px"):
        centre_grid((64, 64), 96)
