"""Exports one image."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from platform.export.files import (
    Layout,
    encode_cams,
    encode_image,
    encode_labels,
    write_whole,
)
from platform.export.options import Kind
from platform.export.settings import ExportSettings
from platform.results.pictures import overlay
from toco_core.cam.image_cam import PresentCams, all_classes, whole_image_cams
from toco_core.cam.image_labels import labels_from_cams, labels_from_logits
from toco_core.data.batch import WholeImage
from toco_core.data.loader import whole_image
from toco_core.data.reader import ParquetSplit
from toco_core.data.schema import DatasetInfo
from toco_core.scoring.inference import segment
from toco_core.trained_network import TrainedNetwork, inference_precision


def export_image(
    settings: ExportSettings,
    layout: Layout,
    network: TrainedNetwork,
    split: ParquetSplit,
    index: int,
) -> None:
    """Write the files of one image; its mask stays closed.

    Raises:
        DatasetError: the image cannot be read; names it.
        FloatingPointError: the network's CAMs are not finite.
    """
    image, info = whole_image(split, index), split.info
    pixels = image.pixels.to(next(network.model.parameters()).device)
    cams: PresentCams | None = None
    if settings.source != "seg" or set(settings.kinds) & {"cams", "overlays"}:
        cams = whole_image_cams(network.model, network.recipe, pixels, image.class_labels)
    maps = None if cams is None else cams.auxiliary if settings.source == "aux" else cams.final
    labels: Tensor | None = None
    if set(settings.kinds) & {"labels", "overlays"}:
        labels = _labels(settings, network, image, pixels, maps, info)
    for kind in settings.kinds:
        content = _encode(kind, image, maps, labels, info)
        write_whole(layout.file(kind, image.name), content)


def _labels(
    settings: ExportSettings,
    network: TrainedNetwork,
    image: WholeImage,
    pixels: Tensor,
    maps: Tensor | None,
    info: DatasetInfo,
) -> Tensor:
    classes = image.class_labels.nonzero().flatten()
    crf_pixels = image.pixels if settings.crf else None
    if settings.source == "seg":
        cut_off = network.recipe.official_quirks
        with inference_precision(network.model, network.recipe):
            logits = segment(network.model, pixels, settings.scales, cut_off=cut_off).multi
        chosen = None if settings.all_classes else classes
        return labels_from_logits(logits, chosen, crf_pixels=crf_pixels)
    assert maps is not None
    return labels_from_cams(
        maps,
        classes,
        info.num_classes,
        bkg=settings.bkg,
        low=settings.low,
        high=settings.high,
        crf_pixels=crf_pixels,
        ignore_index=info.ignore_index,
    )


def _encode(
    kind: Kind, image: WholeImage, maps: Tensor | None, labels: Tensor | None, info: DatasetInfo
) -> bytes:
    classes = image.class_labels.nonzero().flatten()
    if kind == "cams":
        assert maps is not None
        return encode_cams(maps.numpy(), (classes + 1).numpy())
    if kind == "images":
        return encode_image(image.pixels.permute(1, 2, 0).numpy())
    assert labels is not None
    mask = labels.numpy().astype(np.uint8)
    if kind == "labels":
        return encode_labels(mask, info.palette, info.ignore_index)
    assert maps is not None
    pixels = image.pixels.permute(1, 2, 0).numpy()
    cam = all_classes(maps, classes, info.num_classes).numpy()
    return overlay(pixels, cam, None, info.palette, mask)
