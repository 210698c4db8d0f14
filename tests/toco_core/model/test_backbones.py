from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from toco_core.model import backbone_weights
from toco_core.model.backbones import backbone_size, build_backbone, partscenes_vit
from toco_core.model.encoder import Encoder
from toco_core.settings import Backbone


def settings(name: str = "partscenes_vit", weights: str | Path = "random") -> Backbone:
    return Backbone.model_validate({"name": name, "weights": str(weights)})


def saved(path: Path, weights: dict[str, Tensor]) -> Path:
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path)
    return path


@pytest.mark.parametrize("file", ["vit.safetensors", "vit.pth"])
def test_weights_of_a_file_are_loaded_without_its_classification_head(
    tmp_path: Path, file: str
) -> None:
    source = partscenes_vit(num_classes=7)
    path = saved(tmp_path / file, dict(source.state_dict()))
    loaded = build_backbone(settings(weights=path)).state_dict()
    assert set(source.state_dict()) - set(loaded) == {"head.weight", "head.bias"}
    assert all(torch.equal(loaded[key], source.state_dict()[key]) for key in loaded)


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    half = {key: value.half() for key, value in partscenes_vit().state_dict().items()}
    loaded = build_backbone(settings(weights=saved(tmp_path / "vit.safetensors", half)))
    assert {weight.dtype for weight in loaded.parameters()} == {torch.float32}


def test_a_position_embedding_of_another_grid_is_resized(tmp_path: Path) -> None:
    weights = dict(partscenes_vit().state_dict())
    weights["pos_embed"] = torch.randn(1, 1 + 4 * 4, weights["pos_embed"].shape[2])
    loaded = build_backbone(settings(weights=saved(tmp_path / "vit.pth", weights)))
    assert (
        loaded.state_dict()["pos_embed"].shape == partscenes_vit().state_dict()["pos_embed"].shape
    )


@pytest.mark.parametrize("file", ["vit.safetensors", "vit.pth"])
@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "module._orig_mod."])
def test_weights_of_a_wrapped_network_are_loaded(tmp_path: Path, file: str, wrapper: str) -> None:
    weights = partscenes_vit().state_dict()
    path = saved(tmp_path / file, {f"{wrapper}{key}": value for key, value in weights.items()})
    loaded = build_backbone(settings(weights=path)).state_dict()
    assert all(torch.equal(loaded[key], weights[key]) for key in loaded)


@pytest.mark.parametrize("name", ["model", "state_dict"])
def test_weights_in_the_checkpoint_of_a_training_are_loaded(tmp_path: Path, name: str) -> None:
    weights = partscenes_vit().state_dict()
    wrapped = {f"module.{key}": value for key, value in weights.items()}
    torch.save({"epoch": 3, name: wrapped}, tmp_path / "run.pth")
    loaded = build_backbone(settings(weights=tmp_path / "run.pth")).state_dict()
    assert all(torch.equal(loaded[key], weights[key]) for key in loaded)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({1: torch.zeros(1)}, "its keys are no names"),
        ({"epoch": 3, "names": ["cat"]}, "do not fit the backbone"),
        ({"patch_embed.proj.weight": 3}, "do not fit the backbone"),
        ({"model": {1: torch.zeros(1)}}, "do not fit the backbone"),
        ({"encoder": [1, 2]}, "do not fit the backbone"),
        ({"mask_token": torch.zeros(1)}, "do not fit the backbone"),
    ],
)
def test_content_that_is_no_weights_is_named_in_one_line(
    tmp_path: Path, content: dict[Any, Any], message: str
) -> None:
    torch.save(content, tmp_path / "vit.pth")
    with pytest.raises(ValueError, match=rf"vit\.pth .*{message}") as error:
        build_backbone(settings(weights=tmp_path / "vit.pth"))
    assert "\n" not in str(error.value)


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    weights = dict(partscenes_vit().state_dict())
    weights["norm.scale"] = weights.pop("norm.weight")
    path = saved(tmp_path / "vit.pth", weights)
    with pytest.raises(ValueError, match=r"vit\.pth do not fit .*norm\.scale, norm\.weight"):
        build_backbone(settings(weights=path))


@pytest.mark.parametrize("file", ["broken.pth", "broken.safetensors"])
def test_a_broken_file_of_weights_is_named_in_one_line(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.write_bytes(b"\x80\x02 these are no weights")
    with pytest.raises(ValueError, match=file) as error:
        build_backbone(settings(weights=path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("vit_bas_patch16_224", "random", "did you mean 'vit_base_patch16_224'"),
        ("resnet18", "random", "it is a ResNet"),
        ("vit_tiny_patch16_224.nonsense", "random", "Invalid pretrained tag"),
        ("partscenes_vit", "timm", "timm has no weights .* use backbone.weights=embedded"),
        ("vit_tiny_patch16_224", "embedded", "holds no weights .* use backbone.weights=timm"),
        ("partscenes_vit", "w" * 300, "no file of backbone weights at wwww"),
        ("partscenes_vit", "/no/such/file.pth", "no file of backbone weights at /no/such/file.pth"),
    ],
)
def test_a_backbone_that_cannot_be_had_is_refused_with_a_way_out(
    name: str, weights: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as error:
        build_backbone(settings(name, weights))
    assert "\n" not in str(error.value)


def test_a_hub_out_of_reach_is_said_with_both_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    # Nothing listens on port 9 of this machine.
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"cannot download .*weights=<a .*weights=random"):
        backbone_weights.hub_weights("vit_tiny_patch16_224")


@torch.no_grad()
@pytest.mark.parametrize(
    "name",
    [
        "vit_tiny_patch16_224",
        "vit_small_patch8_224",
        "vit_small_patch14_dinov2",
        "vit_small_patch14_reg4_dinov2",
        "deit3_small_patch16_224",
        "test_vit",
    ],
)
def test_the_encoder_computes_what_timm_does(name: str) -> None:
    vit = build_backbone(settings(name)).eval()
    while len(vit.blocks) > 3:  # what differs between them comes before the blocks and after
        del vit.blocks[-1]
    height, width = vit.patch_embed.img_size
    images = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    encoded = Encoder(vit, -2)(images)
    expected = vit.forward_features(images)
    torch.testing.assert_close(encoded.class_token, expected[:, 0])
    tokens = encoded.tokens.flatten(2).transpose(1, 2)
    torch.testing.assert_close(tokens, expected[:, vit.num_prefix_tokens :])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vit_medium_patch16_gap_240", "it has no class token"),
        ("vit_wee_patch16_reg1_gap_256", "it has no class token"),
        ("vit_base_patch16_siglip_224", "it has no class token"),
        ("vit_intern300m_patch14_448", "it has no final norm"),
        ("deit_tiny_distilled_patch16_224", "it is a VisionTransformerDistilled"),
        ("vit_srelpos_small_patch16_224", "it is a VisionTransformerRelPos"),
        ("vit_small_patch16_dinov3", "it is a Eva"),
        ("vit_small_r26_s32_224", "it embeds patches by HybridEmbed"),
    ],
)
def test_a_variant_that_cannot_carry_toco_is_refused_without_its_weights(
    name: str, message: str
) -> None:
    with pytest.raises(ValueError, match=f"cannot carry ToCo: {message}"):
        backbone_size(name)


@pytest.mark.parametrize(("name", "depth"), [("partscenes_vit", 10), ("vit_base_patch16_224", 12)])
def test_depth_is_known_without_weights(name: str, depth: int) -> None:
    assert backbone_size(name).depth == depth
