from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from toco_core.data.loader import whole_image
from toco_core.data.reader import open_dataset
from toco_core.images import normalise
from toco_core.model.backbones import build_backbone
from toco_core.model.encoder import Encoder
from toco_core.probing.classifiers import probe
from toco_core.probing.features import Features, read_features
from toco_core.settings import Backbone


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(build_backbone(Backbone(name="partscenes_vit", weights="embedded")), -1)


@pytest.fixture(scope="module")
def features(scenes: Path, encoder: Encoder) -> Features:
    return read_features(encoder, open_dataset(scenes).split("train"), range(20), 64)


def test_what_is_told_by_one_dimension_is_found_and_noise_is_not() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(300, 32, generator=generator)
    told = (features[:, :1] > 0.5).float()
    guessed = (torch.rand(300, 1, generator=generator) < 0.3).float()
    found = probe(features, torch.cat([told, guessed, torch.zeros(300, 1)], dim=1))
    assert found[0] > 0.9
    assert found[1] < 0.5
    assert math.isnan(found[2])


def test_features_are_those_of_the_encoder(
    features: Features, encoder: Encoder, scenes: Path
) -> None:
    split = open_dataset(scenes).split("train")
    image = whole_image(split, 17)  # in the second batch
    with torch.inference_mode():
        encoded = encoder(normalise(image.pixels)[None], keep_blocks=True)
    assert features.class_tokens.shape == (10, 20, encoder.embed_dim)
    torch.testing.assert_close(features.class_tokens[-1, 17], encoded.class_token[0])
    for block, patches in enumerate(encoded.blocks):
        torch.testing.assert_close(features.patch_maxima[block, 17], patches[0].amax(0))
    assert torch.equal(features.labels[17], image.class_labels)


def test_what_all_tokens_have_in_common_is_a_share(features: Features) -> None:
    assert 0 < features.common < 1


def test_no_mask_is_opened(scenes: Path, encoder: Encoder) -> None:
    dataset = open_dataset(scenes)
    read_features(encoder, dataset.split("tune"), range(4), 64)
    assert dataset.ledger.total() == 0


def test_the_longer_side_of_each_image_is_read(features: Features) -> None:
    assert features.sides.tolist() == [64] * 20
