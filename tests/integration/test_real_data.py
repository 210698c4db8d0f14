"""From the trees of VOC and COCO to exported labels, by the commands that a user types."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.commands.processes import attempt, set_options, short_settings
from tests.data.coco_tree import CLASS_NAMES as COCO_CLASSES
from tests.data.coco_tree import CocoTree, make_coco_tree
from tests.data.pictures import Picture
from tests.data.voc_tree import VocTree, make_voc_tree
from toco_core.checkpoint import load_checkpoint
from toco_core.data.schema import default_palette
from toco_core.data.sources.voc import CLASS_NAMES as VOC_CLASSES

pytestmark = [pytest.mark.ray, pytest.mark.slow]
HAS_CRF = find_spec("pydensecrf") is not None
CRF = ("--crf",) if HAS_CRF else ()
VARIANTS = ("single", "multi", "crf") if HAS_CRF else ("single", "multi")

ITERATIONS = 4
SETTINGS = {
    "backbone__name": "vit_tiny_patch16_224",
    "data__crop_size": "64",
    "data__images_per_step": "4",
    "ctc__local_size": "32",
    "iterations": str(ITERATIONS),
}
TWO_WORKERS = ("--workers", 2, "--cpus", 0.6)  # DDP over gloo, in processes of Ray


@pytest.fixture
def voc(tmp_path: Path) -> VocTree:
    """A tree with a corrupt image, an unknown class, and a mask that is not there."""
    tree = make_voc_tree(tmp_path / "voc", train=10, val=5, extra=8)
    corrupt, unknown = list(tree.extra)[:2]
    tree.image(corrupt).write_bytes(tree.image(corrupt).read_bytes()[:-300])
    annotation = tree.annotation(unknown)
    annotation.write_text(annotation.read_text().replace("<name>", "<name>uni", 1))
    tree.mask(next(iter(tree.val))).unlink()
    return tree


@pytest.fixture
def coco(tmp_path: Path) -> CocoTree:
    """A tree with a corrupt image."""
    tree = make_coco_tree(tmp_path / "coco", train=13, val=5)
    corrupt = tree.image(next(iter(tree.train)))
    corrupt.write_bytes(corrupt.read_bytes()[:-300])
    return tree


def succeed(name: str, *arguments: str | Path | int | float) -> str:
    """Run a command that must end well, and return what it showed."""
    done = attempt(name, *map(str, arguments))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


def train(directory: Path, recipe: str, *options: str | int | float, **settings: str) -> Path:
    """Train on `directory`/data and return the checkpoint."""
    chosen = set_options(short_settings(**SETTINGS, **settings))
    place = ("--recipe", recipe, "--data", directory / "data", "--reports", directory / "reports")
    succeed("train", *place, "--name", "run", *options, *chosen)
    return directory / "reports/run/checkpoint.pt"


def evaluate(checkpoint: Path, *options: str | int | float) -> dict[str, Any]:
    output = checkpoint.parent / "evaluation"
    succeed("evaluate", checkpoint, "--output", output, "--pictures", 1, *options)
    assert {"cam-0000.png", "segmentation-0000.png"} <= {path.name for path in output.iterdir()}
    return json.loads((output / "evaluation.json").read_text())


def check_scores(found: dict[str, Any], class_names: tuple[str, ...], shown: set[int]) -> None:
    """Every table has every class; those that no mask shows have no IoU."""
    segmentation = found["segmentation"]
    for scores in (found, *(segmentation[variant] for variant in VARIANTS)):
        assert list(scores["class_iou"]) == ["background", *class_names]
        ious = dict(enumerate(scores["class_iou"].values()))
        assert shown <= {label for label, iou in ious.items() if iou is not None}
        assert all(iou is None or 0 <= iou <= 1 for iou in ious.values())
        assert 0 <= scores["miou"] <= 1
    assert all(math.isfinite(cosine) for cosine in found["token_similarity"])


def check_export(output: Path, pictures: Mapping[str, Picture], classes: int) -> None:
    """There is a label, a CAM and an overlay of every picture, and each is that picture's."""
    for kind in ("labels", "cams", "overlays"):
        assert {path.stem for path in (output / kind).iterdir()} == set(pictures)
    colours = [value for colour in default_palette(classes) for value in colour]
    for name, picture in pictures.items():
        image = Image.open(output / f"labels/{name}.png")
        palette = image.getpalette()
        assert palette is not None
        assert (image.mode, palette[: len(colours)]) == ("P", colours)
        labels = np.array(image)
        assert labels.shape == picture.size
        assert set(np.unique(labels)) <= {0, 255, *picture.labels}
        with np.load(output / f"cams/{name}.npz", allow_pickle=False) as arrays:
            assert set(arrays["labels"]) == picture.labels
            assert arrays["cam"].shape == (len(picture.labels), *picture.size)


def test_voc_from_its_tree_to_pseudo_labels(voc: VocTree, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shown = succeed("data", "voc", voc.root, data, "--on-error", "skip")
    corrupt, unknown = list(voc.extra)[:2]
    bad = {corrupt: "corrupt image", unknown: "label without a class"}
    bad[next(iter(voc.val))] = "missing file"
    for name, kind in bad.items():
        assert f"{name}: {kind}" in shown
    assert "every row is good" in succeed("data", "check", data)

    checkpoint = train(tmp_path, "voc_vit_b", *TWO_WORKERS)
    assert load_checkpoint(checkpoint).iteration == ITERATIONS
    (row,) = read_trials(checkpoint.parent)
    assert (row.state, row.totals["mask_reads"]) == ("complete", 2 * len(voc.train))
    assert len(read_curves(checkpoint.parent)) == 2

    scored = {name: picture for name, picture in voc.val.items() if name not in bad}
    found = evaluate(checkpoint, *CRF, "--scorers", 2)
    assert (found["split"], found["images"]) == ("report", len(scored))
    check_scores(found, VOC_CLASSES, {0}.union(*(one.labels for one in scored.values())))

    exported = {name: one for name, one in voc.train_aug.items() if name not in bad}
    kinds = ("--kinds", "labels", "cams", "overlays", "--low", 0.25, "--high", 0.7)
    shown = succeed("export", checkpoint, tmp_path / "export", *kinds)
    assert f"{len(exported)} images written; no mask was opened" in shown
    check_export(tmp_path / "export", exported, len(VOC_CLASSES))


def test_coco_from_its_tree_to_pseudo_labels(coco: CocoTree, tmp_path: Path) -> None:
    data = tmp_path / "data"
    options = ("--tune", "train:25%", "--on-error", "skip")
    shown = succeed("data", "coco", coco.root, data, *options)
    assert f"{next(iter(coco.train))}: corrupt image" in shown
    assert "every row is good" in succeed("data", "check", data)

    stages = {"stages__contrast": "2", "stages__final_cam": "2", "compute__parts": "2"}
    checkpoint = train(tmp_path, "coco_vit_b", **stages)
    assert load_checkpoint(checkpoint).iteration == ITERATIONS

    found = evaluate(checkpoint, *CRF)
    assert found["images"] == len(coco.val)
    check_scores(found, COCO_CLASSES, {0}.union(*(one.labels for one in coco.val.values())))

    exported = dict(list(coco.train.items())[1:])
    kinds = ("--kinds", "labels", "cams", "overlays", "--source", "seg")
    succeed("export", checkpoint, tmp_path / "export", *kinds)
    check_export(tmp_path / "export", exported, len(COCO_CLASSES))
