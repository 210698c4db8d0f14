from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.toco_core.official_network import GOLDEN, official_network, untrained_network
from toco_core.cam.multi_scale import multi_scale_cam, normalise_cam

GIVEN = {k: torch.from_numpy(v) for k, v in np.load(GOLDEN / "forward.npz").items()}
SCALES = (1.0, 0.5, 1.5)


def test_multi_scale_cams_are_the_authors() -> None:
    cam, cam_aux = multi_scale_cam(official_network(), GIVEN["images"], SCALES)
    torch.testing.assert_close(cam, GIVEN["cam"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(cam_aux, GIVEN["cam_aux"], rtol=1e-4, atol=1e-5)


def test_raw_cams_of_an_earlier_pass_give_the_same_and_spare_one_image_in_six() -> None:
    model = official_network()
    seen: list[int] = []
    model.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    expected = multi_scale_cam(model, GIVEN["images"], SCALES)
    assert seen == [4, 4, 4]
    raw = model.raw_cams(GIVEN["images"])
    seen.clear()
    reused = multi_scale_cam(model, GIVEN["images"], SCALES, raw=raw)
    assert seen == [2, 4, 4]
    torch.testing.assert_close(reused, expected)


def test_a_mirrored_image_has_the_mirrored_cam() -> None:
    model = official_network()
    cam, _ = multi_scale_cam(model, GIVEN["images"], SCALES)
    mirrored, _ = multi_scale_cam(model, GIVEN["images"].flip(-1), SCALES)
    torch.testing.assert_close(mirrored.flip(-1), cam, rtol=0, atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_drop_path_is_off_and_the_mode_is_kept(training: bool) -> None:
    model = untrained_network(drop_path_rate=0.9).train(training)
    first, again = (multi_scale_cam(model, GIVEN["images"], (1.0,))[0] for _ in range(2))
    assert torch.equal(first, again)
    assert all(module.training is training for module in model.modules())


def test_cams_carry_no_gradient_and_are_in_range() -> None:
    model = untrained_network()
    raw = model.raw_cams(GIVEN["images"])
    cam, cam_aux = multi_scale_cam(model, GIVEN["images"], SCALES, raw=raw)
    for values in (cam, cam_aux):
        assert not values.requires_grad
        assert values.min() >= 0
        assert values.max() <= 1


def test_a_constant_map_normalises_to_zero() -> None:
    assert torch.equal(normalise_cam(torch.full((1, 2, 3, 3), 7.0)), torch.zeros(1, 2, 3, 3))


@pytest.mark.parametrize("scales", [(), (0.5, 1.0)])
def test_scales_that_do_not_start_with_one_are_refused(scales: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must start with 1"):
        multi_scale_cam(untrained_network(), GIVEN["images"], scales)
