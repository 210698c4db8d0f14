from __future__ import annotations

from pathlib import Path

import pytest
import torch

from toco_core.data.partscenes import classes
from toco_core.model.backbones import build_backbone, partscenes_vit
from toco_core.model.encoder import Encoded, Encoder
from toco_core.pretraining.loop import Options, pretrain
from toco_core.pretraining.network import Pretrained, batch_loss
from toco_core.pretraining.pictures import ATTRIBUTES, ObjectPictures, mosaic, mosaic_targets
from toco_core.settings import Backbone


def pictures(count: int, size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    return next(iter(ObjectPictures(seed=0, size=size, batch_size=count)))


def test_a_mosaic_shows_the_middles_of_four_pictures_and_their_targets_agree() -> None:
    images, targets = pictures(5)
    tiled, tile_targets = mosaic(images), mosaic_targets(targets)
    assert tiled.shape == images.shape
    for picture in range(5):
        for tile in range(4):
            source = (picture + tile) % 5
            rows, columns = 32 * (tile // 2), 32 * (tile % 2)
            shown = tiled[picture, :, rows : rows + 32, columns : columns + 32]
            assert torch.equal(shown, images[source, :, 16:48, 16:48])
            assert torch.equal(tile_targets[4 * picture + tile], targets[source])


def test_the_heads_name_a_tile_by_its_own_tokens() -> None:
    model = Pretrained(Encoder(partscenes_vit(), aux_layer=-1), "max")
    tokens = torch.zeros(1, 128, 8, 8)
    tokens[0, 0, :4, 4:] = 1.0  # second tile

    def encoded(_module: torch.nn.Module, _inputs: object, output: Encoded) -> Encoded:
        return output._replace(tokens=tokens)

    model.encoder.register_forward_hook(encoded)
    logits = model.name_tiles(torch.zeros(1, 3, 64, 64))["part"]
    assert torch.equal(logits[0], logits[2])
    assert torch.equal(logits[0], logits[3])
    assert not torch.equal(logits[0], logits[1])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_every_share_of_mosaics_teaches_the_encoder(share: float) -> None:
    model = Pretrained(Encoder(partscenes_vit(), aux_layer=-1), "max")
    images, targets = pictures(4)
    batch_loss(model, images.float() / 255, targets, share).backward()
    gradient = model.encoder.vit.patch_embed.proj.weight.grad
    assert gradient is not None
    assert gradient.any()


def test_mosaics_need_heads_on_the_maximum() -> None:
    with pytest.raises(ValueError, match="--pooling max"):
        Options(images=64, small_share=0.0, pooling="mean", mosaic_share=0.5)


def test_pretraining_writes_weights_that_load(tmp_path: Path) -> None:
    output = tmp_path / "vit.safetensors"
    options = Options(
        images=32, small_share=0.0, batch_size=16, pooling="max", mosaic_share=0.5, warmup_steps=1
    )
    shares = pretrain(options, output, held_out=128)
    assert shares.keys() == ATTRIBUTES.keys()
    build_backbone(Backbone(name="partscenes_vit", weights=str(output)))


@pytest.mark.slow
def test_the_weights_of_the_package_know_the_parts() -> None:
    """Five nearest pictures by the class token, of 12 parts: chance is 8 %."""
    encoder = Encoder(build_backbone(Backbone(name="partscenes_vit", weights="embedded")), -1)
    images, targets = pictures(768)
    with torch.no_grad():
        tokens = encoder((images.float() / 255 - 0.45) / 0.225).class_token
    unit = torch.nn.functional.normalize(tokens, dim=1)
    nearest = (unit[512:] @ unit[:512].T).topk(5, dim=1).indices
    named = targets[:512, 0][nearest].mode(dim=1).values
    assert (named == targets[512:, 0]).float().mean() > 0.7
    assert len(classes.ALL_PARTS) == 12
