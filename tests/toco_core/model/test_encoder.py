from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from timm.layers.diff_attention import DiffAttention
from torch.utils.flop_counter import FlopCounterMode

from tests.toco_core.official_network import GOLDEN, official_network
from tests.toco_core.tiny_vit import tiny_vit
from toco_core.model.encoder import Encoder, resolve_layer


def test_aux_layer_counts_from_both_ends() -> None:
    assert [resolve_layer(layer, 4) for layer in (-4, -1, 0, 3)] == [0, 3, 0, 3]


@pytest.mark.parametrize("layer", [-5, 4, 12])
def test_aux_layer_outside_the_backbone_is_refused_with_the_range(layer: int) -> None:
    with pytest.raises(ValueError, match=rf"aux_layer {layer} .* 4 blocks has -4 to 3"):
        Encoder(tiny_vit(), layer)


def test_a_grid_smaller_than_the_position_embedding_is_resized_without_antialias() -> None:
    given = np.load(GOLDEN / "forward.npz", allow_pickle=False)
    encoded = official_network().encoder(torch.from_numpy(given["images_small"]))
    expected = torch.from_numpy(given["cls_token_small"])
    torch.testing.assert_close(encoded.class_token, expected, rtol=1e-4, atol=1e-5)


def test_position_embedding_is_frozen() -> None:
    encoder = Encoder(tiny_vit(), -1)
    frozen = [name for name, weight in encoder.named_parameters() if not weight.requires_grad]
    assert frozen == ["vit.pos_embed"]


@pytest.mark.parametrize("changes", [{}, {"reg_tokens": 2}, {"no_embed_class": True}])
def test_tokens_at_the_native_size_are_timm_s(changes: dict[str, object]) -> None:
    vit = tiny_vit(**changes).eval()
    images = torch.randn(2, 3, 32, 32)
    expected = vit.forward_features(images)  # (2, prefix + 16, 24)
    encoded = Encoder(vit, -1).eval()(images)
    torch.testing.assert_close(encoded.class_token, expected[:, 0])
    torch.testing.assert_close(encoded.tokens.flatten(2).transpose(1, 2), expected[:, -16:])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reg_tokens": 2},
        {"qkv_bias": False},
        {"qk_norm": True},
        {"init_values": 0.1},
        {"scale_attn_norm": True},
        {"attn_layer": DiffAttention},  # not one whose products could be left out
    ],
)
def test_the_class_token_alone_is_that_of_the_whole_pass(changes: dict[str, object]) -> None:
    encoder = Encoder(tiny_vit(**changes).eval(), -1)
    images = torch.randn(2, 3, 32, 32)
    whole, alone = encoder(images).class_token, encoder.class_token(images)
    torch.testing.assert_close(alone, whole)
    weight = encoder.vit.patch_embed.proj.weight
    gradients = [torch.autograd.grad(token.square().sum(), weight)[0] for token in (whole, alone)]
    torch.testing.assert_close(*gradients)


def test_the_class_token_alone_takes_less_work() -> None:
    encoder = Encoder(tiny_vit(), -1)
    images, work = torch.randn(2, 3, 32, 32), []
    for run in (encoder, encoder.class_token):
        with FlopCounterMode(display=False) as counter:
            run(images)
        work.append(counter.get_total_flops())
    assert work[1] < 0.85 * work[0]


def test_only_the_last_block_is_normed() -> None:
    vit = tiny_vit().eval()
    images = torch.randn(2, 3, 32, 32)
    encoded = Encoder(vit, -2).eval()(images, keep_blocks=True)
    blocks = vit.get_intermediate_layers(images, n=4, norm=False)
    assert len(encoded.blocks) == 4
    for ours, theirs in zip(encoded.blocks[:-1], blocks[:-1], strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(encoded.blocks[-1], vit.norm(blocks[-1]))
    torch.testing.assert_close(encoded.aux_tokens.flatten(2).transpose(1, 2), blocks[-2])


@pytest.mark.parametrize(
    ("size", "grid"), [((48, 24), (6, 3)), ((8, 8), (1, 1)), ((31, 17), (3, 2))]
)
def test_any_size_from_one_patch_on_works(size: tuple[int, int], grid: tuple[int, int]) -> None:
    encoded = Encoder(tiny_vit(), -1)(torch.randn(2, 3, *size))
    assert encoded.tokens.shape == encoded.aux_tokens.shape == (2, 24, *grid)


def test_an_image_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(ValueError, match="4x32 px is smaller than a patch, 8x8 px"):
        Encoder(tiny_vit(), -1)(torch.randn(1, 3, 4, 32))


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"class_token": False, "global_pool": "avg"}, "no class token"),
        ({"pos_embed": "none"}, "no learnt position embedding"),
        ({"global_pool": "avg"}, "no final norm"),
    ],
)
def test_a_vit_without_what_toco_needs_is_refused(changes: dict[str, object], missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        Encoder(tiny_vit(**changes), -1)


def test_another_kind_of_transformer_is_refused() -> None:
    distilled = timm.create_model("deit_tiny_distilled_patch16_224")
    with pytest.raises(ValueError, match="VisionTransformerDistilled, not a plain"):
        Encoder(distilled, -1)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("changes", "stochastic"),
    [({}, False), ({"drop_path_rate": 0.1}, True), ({"proj_drop_rate": 0.1}, True)],
)
def test_drop_path_and_dropout_make_a_pass_stochastic(
    changes: dict[str, object], stochastic: bool
) -> None:
    assert Encoder(tiny_vit(**changes), -1).is_stochastic is stochastic


def test_positions_are_resized_once_for_each_grid_and_anew_when_they_change() -> None:
    encoder = Encoder(tiny_vit(), -1)
    first, again = (encoder._positions_of((5, 6)) for _ in range(2))
    assert first is again
    with torch.no_grad():
        encoder._positions.add_(1.0)  # as when weights are loaded
    torch.testing.assert_close(encoder._positions_of((5, 6)), first + 1.0)
    assert encoder.double()._positions_of((5, 6)).dtype == torch.float64


@pytest.mark.parametrize("changes", [{}, {"reg_tokens": 2}, {"init_values": 0.1}])
@pytest.mark.parametrize("aux_layer", [0, -2, -1])
def test_two_views_in_one_pass_are_those_of_two(changes: dict[str, object], aux_layer: int) -> None:
    encoder = Encoder(tiny_vit(**changes), aux_layer).double()
    images, second = (torch.randn(2, 3, 32, 32, dtype=torch.float64) for _ in range(2))
    encoded, token = encoder.forward_pair(images, second)
    expected = encoder(images)
    for ours, theirs in zip(encoded[:3], expected[:3], strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(token, encoder.class_token(second))
