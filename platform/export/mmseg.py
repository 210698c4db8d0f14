"""What mmsegmentation needs beside images and labels: names, and two networks to train on them.

Its configs are Python files. These are for mmsegmentation 1.x, and stand alone: they need nothing
of its source tree, know where they lie, and name no mask of the data set.
"""

from __future__ import annotations

import pprint
from collections.abc import Mapping, Sequence
from typing import Any

from platform.export.files import Layout, write_whole
from platform.export.mmseg_networks import NETWORKS
from toco_core.data.schema import DatasetInfo

BACKGROUND = "background"
ITERATIONS = 20_000
_MEAN, _SD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]  # of ImageNet, 0..255


def write_mmseg(layout: Layout, info: DatasetInfo, names: Sequence[str], crop_size: int) -> None:
    """Write names, configs and a page on how to use them beside the images and labels.

    Args:
        layout: of the export.
        info: of the data set, for its classes and their colours.
        names: of the exported images.
        crop_size: side of a training crop, px.
    """
    write_whole(layout.directory / f"splits/{layout.split}.txt", _lines(names))
    write_whole(layout.directory / "classes.txt", _lines([BACKGROUND, *info.class_names]))
    configs = layout.directory / "configs"
    write_whole(configs / "data.py", _python(_data(layout, info, crop_size)))
    for network, settings in NETWORKS.items():
        text = _python(settings(info.num_classes + 1, crop_size, ITERATIONS))
        write_whole(configs / f"{network}.py", b"_base_ = ['data.py']\n" + text)
    write_whole(layout.directory / "README.md", _page(layout).encode())


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _python(settings: Mapping[str, Any]) -> bytes:
    parts = (f"{name} = {pprint.pformat(value, width=100)}\n" for name, value in settings.items())
    return "".join(parts).encode()


def _data(layout: Layout, info: DatasetInfo, crop_size: int) -> dict[str, Any]:
    return {
        "default_scope": "mmseg",
        "data_preprocessor": {
            "type": "SegDataPreProcessor",
            "mean": _MEAN,
            "std": _SD,
            "bgr_to_rgb": True,
            "pad_val": 0,
            "seg_pad_val": info.ignore_index,
            "size": (crop_size, crop_size),
        },
        "train_dataloader": {
            "batch_size": 8,
            "num_workers": 4,
            "persistent_workers": True,
            "sampler": {"type": "InfiniteSampler", "shuffle": True},
            "dataset": _dataset(layout, info, crop_size),
        },
        "train_cfg": {"type": "IterBasedTrainLoop", "max_iters": ITERATIONS},
        "default_hooks": {
            "logger": {"type": "LoggerHook", "interval": 50, "log_metric_by_epoch": False},
            "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 2000},
        },
    }


def _dataset(layout: Layout, info: DatasetInfo, crop_size: int) -> dict[str, Any]:
    split = layout.split
    return {
        "type": "BaseSegDataset",
        "data_root": "{{ fileDirname }}/..",
        "data_prefix": {"img_path": f"img_dir/{split}", "seg_map_path": f"ann_dir/{split}"},
        "ann_file": f"splits/{split}.txt",
        "img_suffix": ".png",
        "seg_map_suffix": ".png",
        "metainfo": {
            "classes": (BACKGROUND, *info.class_names),
            "palette": [list(colour) for colour in info.palette[: info.num_classes + 1]],
        },
        "ignore_index": info.ignore_index,
        "reduce_zero_label": False,
        "pipeline": _pipeline(crop_size),
    }


def _pipeline(crop_size: int) -> list[dict[str, Any]]:
    return [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations"},
        {
            "type": "RandomResize",
            "scale": (4 * crop_size, crop_size),
            "ratio_range": (0.5, 2.0),
            "keep_ratio": True,
        },
        {"type": "RandomCrop", "crop_size": (crop_size, crop_size), "cat_max_ratio": 0.75},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "PhotoMetricDistortion"},
        {"type": "PackSegInputs"},
    ]


def _page(layout: Layout) -> str:
    networks = "".join(f"    mim train mmsegmentation configs/{name}.py\n" for name in NETWORKS)
    return f"""# Pseudo-labels for mmsegmentation

`img_dir/{layout.split}` holds images, `ann_dir/{layout.split}` their pseudo-labels: palette PNGs
whose pixels are the rows of `classes.txt`, 255 where there is none. They were made from image-level
labels; no mask of the data set is in here. `export.json` says how.

    pip install -U openmim && mim install mmengine mmcv mmsegmentation
{networks}
To score the trained network, add a `val_dataloader` of images with masks; thresholds and iterations
that are chosen with masks belong to another split than the one that is reported.
"""
