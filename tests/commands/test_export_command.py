from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from platform.evaluate.command import run_evaluation
from platform.evaluate.options import EvaluateOptions
from platform.export.command import run_export
from platform.export.options import ExportOptions
from platform.export.setup import SETTINGS_FILE
from platform.results.pictures import GUTTER
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.scoring.metrics import ConfusionMatrix

IMAGES = 6


@pytest.fixture
def options(trained: Path, tmp_path: Path) -> ExportOptions:
    return ExportOptions(
        checkpoint=str(trained / "checkpoint.pt"), output=tmp_path / "export", images=IMAGES
    )


@pytest.fixture
def train(scenes: Path) -> ParquetSplit:
    return open_dataset(scenes).split("train")


def labels_of(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


def miou_of_files(options: ExportOptions, split: ParquetSplit) -> float:
    """Score exported labels by the masks of their split."""
    counts = ConfusionMatrix.empty(split.info.num_classes + 1)
    for index, truth in enumerate(split.masks(range(len(split)), purpose="test")):
        labels = labels_of(options.output / f"labels/{split.row(index).name}.png")
        counts += ConfusionMatrix.of(truth, torch.from_numpy(labels), len(counts.counts))
    return counts.miou


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"source": "cam", "bkg": 0.3}, ("miou",)),
        ({"source": "aux", "bkg": 0.3}, ("aux_miou",)),
        ({"source": "seg", "all_classes": True}, ("segmentation", "multi", "miou")),
        pytest.param(
            {"source": "seg", "all_classes": True, "crf": True},
            ("segmentation", "crf", "miou"),
            marks=pytest.mark.crf,
        ),
        ({"source": "seg", "all_classes": True, "scales": ()}, ("segmentation", "single", "miou")),
    ],
)
def test_exported_labels_have_the_miou_that_an_evaluation_finds(
    options: ExportOptions,
    scenes: Path,
    tmp_path: Path,
    changes: dict[str, object],
    keys: Sequence[str],
) -> None:
    options = replace(options, split="tune", images=None, **changes)  # pyright: ignore[reportArgumentType]
    assert run_export(options) == 0
    evaluated = EvaluateOptions(
        checkpoint=options.checkpoint,
        split="tune",
        output=tmp_path / "evaluation",
        pictures=0,
        bkg=options.bkg,
        scales=options.scales,
        crf=options.crf,
    )
    assert run_evaluation(evaluated) == 0
    value = json.loads((tmp_path / "evaluation/evaluation.json").read_text())
    for key in keys:
        value = value[key]
    # a CAM is scored in batches, which round unlike one image
    expected = pytest.approx(value, abs=2e-4 if options.source != "seg" else 0)
    assert miou_of_files(options, open_dataset(scenes).split("tune")) == expected


def test_images_without_masks_get_labels_of_their_own_classes(
    options: ExportOptions, train: ParquetSplit, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in ("cam", "seg"):
        chosen = replace(options, source=source, output=options.output / source)
        assert run_export(chosen) == 0
        files = sorted((chosen.output / "labels").iterdir())
        assert [file.stem for file in files] == [train.row(i).name for i in range(IMAGES)]
        for index, file in enumerate(files):
            row, labels = train.row(index), labels_of(file)
            assert labels.shape == (row.height, row.width)
            assert set(np.unique(labels)) <= {0, *row.labels}
    assert "6 images written; no mask was opened" in capsys.readouterr().out


def test_between_two_thresholds_pixels_are_uncertain(options: ExportOptions) -> None:
    assert run_export(replace(options, low=0.2, high=0.7)) == 0
    labels = np.stack([labels_of(file) for file in (options.output / "labels").iterdir()])
    assert (labels == 255).any()
    assert (labels == 0).any()


def test_soft_cams_and_overlays_belong_to_the_labels(
    options: ExportOptions, train: ParquetSplit
) -> None:
    options = replace(options, kinds=("labels", "cams", "overlays"), bkg=0.3)
    assert run_export(options) == 0
    for index in range(IMAGES):
        row = train.row(index)
        with np.load(options.output / f"cams/{row.name}.npz", allow_pickle=False) as arrays:
            cam, classes = arrays["cam"], arrays["labels"]
        assert classes.tolist() == list(row.labels)
        assert cam.shape == (len(classes), row.height, row.width)
        strongest = np.where(cam.max(axis=0) > 0.3, classes[cam.argmax(axis=0)], 0)
        labels = labels_of(options.output / f"labels/{row.name}.png")
        assert np.mean(strongest == labels) > 0.99  # but where half precision decides
        width, height = Image.open(options.output / f"overlays/{row.name}.png").size
        assert width == 3 * height + 2 * GUTTER


def test_a_dataset_of_mmsegmentation_holds_images_and_pseudo_labels(
    options: ExportOptions, train: ParquetSplit
) -> None:
    assert run_export(replace(options, format="mmseg")) == 0
    names = (options.output / "splits/train.txt").read_text().splitlines()
    assert names == [train.row(index).name for index in range(IMAGES)]
    for index, name in enumerate(names):
        image = np.array(Image.open(options.output / f"img_dir/train/{name}.png"))
        assert np.array_equal(image, np.array(train.image(train.row(index))))
        assert labels_of(options.output / f"ann_dir/train/{name}.png").shape == image.shape[:2]


def test_the_same_command_writes_only_what_is_missing_or_damaged(
    options: ExportOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_export(options) == 0
    files = sorted((options.output / "labels").iterdir())
    before = {file: file.stat().st_mtime_ns for file in files}
    content = [file.read_bytes() for file in files]
    files[1].unlink()
    files[3].write_bytes(content[3][:-20])
    assert run_export(options) == 0
    assert "2 images written, 4 there already" in capsys.readouterr().out
    assert [file.read_bytes() for file in files] == content
    touched = [file.stat().st_mtime_ns != before[file] for file in files]
    assert touched == [False, True, False, True, False, False]


@pytest.mark.parametrize("content", ["{", "[" * 100_000, "[]", "\xff"])
def test_a_directory_whose_settings_cannot_be_read_is_left_alone(
    options: ExportOptions, content: str
) -> None:
    options.output.mkdir(parents=True)
    (options.output / SETTINGS_FILE).write_text(content, "latin-1")
    with pytest.raises(ValueError, match=r"export\.json is .*; choose another directory"):
        run_export(options)
    assert [path.name for path in options.output.iterdir()] == [SETTINGS_FILE]


def test_labels_say_which_threshold_made_them(
    options: ExportOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "thresholds.bkg of the checkpoint's recipe"
    assert run_export(options) == 0
    assert f"background threshold 0.5, {source}\n" in capsys.readouterr().out
    said = json.loads((options.output / SETTINGS_FILE).read_text())
    assert (said["bkg"], said["threshold_from"]) == (0.5, source)
    assert run_export(replace(options, bkg=0.5)) == 0  # the same labels
    between = replace(options, low=0.3, high=0.6, output=options.output / "../between")
    assert run_export(between) == 0
    assert "uncertain up to the second threshold: 0.3 and 0.6\n" in capsys.readouterr().out
    assert run_export(replace(options, source="seg", output=options.output / "../seg")) == 0
    assert "threshold" not in capsys.readouterr().out


def test_other_settings_do_not_get_into_the_same_directory(
    options: ExportOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_export(replace(options, bkg=0.4)) == 0
    assert "background threshold 0.4, --bkg\n" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"other settings: bkg \(was 0\.4\); choose another"):
        run_export(replace(options, bkg=0.5))
    assert run_export(replace(options, bkg=0.4, kinds=("cams",))) == 0


def test_a_directory_of_something_else_is_refused(options: ExportOptions) -> None:
    options.output.mkdir()
    (options.output / "thesis.tex").write_text("")
    with pytest.raises(ValueError, match="not an export of this command, and not empty"):
        run_export(options)


def test_a_split_that_is_not_there_is_refused(options: ExportOptions) -> None:
    with pytest.raises(ValueError, match="did you mean train"):
        run_export(replace(options, split="trian"))
    assert not options.output.exists()
