"""A DeepLabV3+ and a SegFormer as configs of mmsegmentation 1.x."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Config: TypeAlias = dict[str, Any]

_NORM: Config = {"type": "SyncBN", "requires_grad": True}


def deeplabv3plus_r50(num_classes: int, crop_size: int, iterations: int) -> Config:
    """Return DeepLabV3+ on a ResNet-50 of output stride 8 (Chen et al., ECCV 2018)."""
    backbone = {
        "type": "ResNetV1c",
        "depth": 50,
        "num_stages": 4,
        "out_indices": (0, 1, 2, 3),
        "strides": (1, 2, 1, 1),
        "dilations": (1, 1, 2, 4),
        "contract_dilation": True,
        "style": "pytorch",
        "norm_cfg": _NORM,
        "norm_eval": False,
    }
    head = {
        "type": "DepthwiseSeparableASPPHead",
        "in_channels": 2048,
        "in_index": 3,
        "channels": 512,
        "dilations": (1, 12, 24, 36),
        "c1_in_channels": 256,
        "c1_channels": 48,
        **_head(num_classes, weight=1.0),
    }
    auxiliary = {
        "type": "FCNHead",
        "in_channels": 1024,
        "in_index": 2,
        "channels": 256,
        "num_convs": 1,
        "concat_input": False,
        **_head(num_classes, weight=0.4),
    }
    model = _model(backbone, head) | {
        "pretrained": "open-mmlab://resnet50_v1c",
        "auxiliary_head": auxiliary,
    }
    optimizer = {"type": "SGD", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005}
    return {
        "model": model,
        "optim_wrapper": {"type": "OptimWrapper", "optimizer": optimizer},
        "param_scheduler": [_poly(0.9, 0, iterations)],
    }


def segformer_b1(num_classes: int, crop_size: int, iterations: int) -> Config:
    """Return SegFormer-B1 (Xie et al., NeurIPS 2021); its encoder starts from `mit_b1.pth`."""
    widths = [64, 128, 320, 512]
    backbone = {
        "type": "MixVisionTransformer",
        "in_channels": 3,
        "embed_dims": 64,
        "num_stages": 4,
        "num_layers": [2, 2, 2, 2],
        "num_heads": [1, 2, 5, 8],
        "patch_sizes": [7, 3, 3, 3],
        "sr_ratios": [8, 4, 2, 1],
        "out_indices": (0, 1, 2, 3),
        "mlp_ratio": 4,
        "qkv_bias": True,
        "drop_path_rate": 0.1,
        "init_cfg": {"type": "Pretrained", "checkpoint": "mit_b1.pth"},
    }
    head = {
        "type": "SegformerHead",
        "in_channels": widths,
        "in_index": [0, 1, 2, 3],
        "channels": 256,
        **_head(num_classes, weight=1.0),
    }
    slow = {"pos_block": {"decay_mult": 0.0}, "norm": {"decay_mult": 0.0}}
    wrapper = {
        "type": "OptimWrapper",
        "optimizer": {"type": "AdamW", "lr": 6e-5, "betas": (0.9, 0.999), "weight_decay": 0.01},
        "paramwise_cfg": {"custom_keys": {**slow, "head": {"lr_mult": 10.0}}},
    }
    warmup = min(1500, iterations // 10)
    linear = {
        "type": "LinearLR",
        "start_factor": 1e-6,
        "by_epoch": False,
        "begin": 0,
        "end": warmup,
    }
    return {
        "model": _model(backbone, head),
        "optim_wrapper": wrapper,
        "param_scheduler": [linear, _poly(1.0, warmup, iterations)],
    }


NETWORKS: Mapping[str, Callable[[int, int, int], Config]] = {
    "deeplabv3plus_r50": deeplabv3plus_r50,
    "segformer_b1": segformer_b1,
}


def _model(backbone: Config, head: Config) -> Config:
    return {
        "type": "EncoderDecoder",
        "backbone": backbone,
        "decode_head": head,
        "train_cfg": {},
        "test_cfg": {"mode": "whole"},
    }


def _head(num_classes: int, weight: float) -> Config:
    return {
        "num_classes": num_classes,
        "dropout_ratio": 0.1,
        "norm_cfg": _NORM,
        "align_corners": False,
        "loss_decode": {
            "type": "CrossEntropyLoss",
            "use_sigmoid": False,
            "loss_weight": weight,
            "avg_non_ignore": True,
        },
    }


def _poly(power: float, begin: int, end: int) -> Config:
    return {
        "type": "PolyLR",
        "power": power,
        "eta_min": 0.0,
        "begin": begin,
        "end": end,
        "by_epoch": False,
    }
