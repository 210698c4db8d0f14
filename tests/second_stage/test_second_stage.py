"""The command in this process: labels in, a number out, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from platform.evaluate.command import run_evaluation
from platform.evaluate.options import EvaluateOptions
from platform.export.command import run_export
from platform.export.options import ExportOptions
from platform.export.setup import SETTINGS_FILE
from platform.results.tables import read_trials
from platform.second_stage.checks import check_options
from platform.second_stage.command import run_second_stage, start
from platform.second_stage.options import SecondStageOptions
from platform.second_stage.setup import check_second_stage
from platform.train.loop import Rank, run
from platform.train.stops import RunStopped
from tests.commands.processes import short_settings
from tests.data.noise_dataset import make_rows
from toco_core.checkpoint import load_checkpoint
from toco_core.data.ledger import MaskLedger
from toco_core.data.reader import open_dataset
from toco_core.data.writer import write_dataset
from toco_core.supervised.labels import MASKS_PURPOSE, LabelFiles, SplitMasks
from toco_core.supervised.trainer import SupervisedTrainer

FIRST = 12  # images that have labels
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def write_labels(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Write what an export of the first images of a split leaves behind."""

    def write(split: str = "train", **settings: object) -> Path:
        root, rows = tmp_path_factory.mktemp("export"), open_dataset(scenes).split(split)
        (root / "labels").mkdir()
        for index in range(FIRST):
            row = rows.row(index)
            labels = np.full((row.height, row.width), row.labels[0], np.uint8)
            labels[: row.height // 2] = 255
            Image.fromarray(labels).save(root / f"labels/{row.name}.png")
        classes = list(rows.info.class_names)
        content = {"split": split, "format": "files", "classes": classes, **settings}
        (root / SETTINGS_FILE).write_text(json.dumps(content))
        return root

    return write


@pytest.fixture(scope="module")
def labels(write_labels: Write) -> Path:
    return write_labels()


def options_of(
    scenes: Path, reports: Path, labels: Path | None, **changes: object
) -> SecondStageOptions:
    options = SecondStageOptions(
        labels=labels, data=str(scenes), reports=reports, name="second", set=short_settings()
    )
    return replace(options, **changes)  # pyright: ignore[reportArgumentType]


def short(labels: Path) -> SecondStageOptions:
    return SecondStageOptions(labels=labels, set=short_settings())


def finish(options: SecondStageOptions) -> int:
    return run_second_stage(check_options(options), options)


def result(reports: Path, split: str = "tune") -> dict[str, object]:
    return json.loads((reports / f"second/second-stage-{split}.json").read_text())


def test_labels_become_a_number_of_each_seed(
    scenes: Path, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = options_of(scenes, tmp_path, labels, seeds=2)
    assert finish(options) == 0
    shown = capsys.readouterr().out
    assert f"pseudo-labels of {FIRST} of 32 images of train, 50.0 % of their pixels" in shown
    assert "95 % interval" in shown
    found = result(tmp_path)
    seeds = [one["miou"] for one in found["seeds"].values()]  # pyright: ignore[reportAttributeAccessIssue]
    assert found["miou"] == pytest.approx(np.mean(seeds))
    assert found["sd"] == pytest.approx(np.std(seeds, ddof=1))
    card = found["cards"]["0"]  # pyright: ignore[reportIndexIssue]
    assert card["masks_opened"] == {"tune, score of a second stage:": 24}
    assert "no mask was opened" in card["trained_on"]
    rows = pq.read_table(tmp_path / "second/classes-tune.parquet")
    assert rows.num_rows == 2 * 9
    assert list((tmp_path / "second/seed-1/tensorboard/trial-0000").glob("events.*"))
    (row,) = read_trials(tmp_path / "second/seed-0")
    assert (row.state, row.iteration) == ("complete", 6)
    checkpoint = load_checkpoint(tmp_path / "second/seed-0/checkpoint.pt")
    assert (checkpoint.iteration, checkpoint.trained_on) == (6, card["trained_on"])

    assert finish(options) == 0  # again
    assert "seed 1: finished earlier, after 6 iterations" in capsys.readouterr().out
    assert result(tmp_path) == found
    with pytest.raises(ValueError, match=r"on other labels or images: .*another --name"):
        finish(replace(options, labels=None, masks=True, data=str(with_masks(tmp_path))))


def with_masks(directory: Path) -> Path:
    """Write a small dataset all of whose images have masks."""
    root, names = directory / "noise", ("one", "two", "three")
    splits = {"train": make_rows(6, with_masks=True), "tune": make_rows(4, with_masks=True)}
    write_dataset(root, splits, class_names=names, source="noise")
    return root


def test_masks_as_labels_are_counted_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finish(options_of(with_masks(tmp_path), tmp_path, None, masks=True)) == 0
    assert "an upper bound, no weak supervision" in capsys.readouterr().out
    card = result(tmp_path)["cards"]["0"]  # pyright: ignore[reportIndexIssue]
    # six steps of two images each
    assert card["masks_opened"]["train, training of a second stage:"] == 12
    _require_it_is_known_as_a_second_stage(tmp_path / "second/seed-0/checkpoint.pt", tmp_path)


def _require_it_is_known_as_a_second_stage(checkpoint: Path, directory: Path) -> None:
    """Evaluate and export a network that was trained on masks: it must not look weakly trained."""
    options = EvaluateOptions(
        checkpoint=str(checkpoint),
        split="tune",
        tasks=("seg",),
        scales=(),
        output=directory / "evaluation",
    )
    assert run_evaluation(options) == 0
    cards = json.loads((directory / "evaluation/evaluation.json").read_text())["cards"]
    assert "an upper bound, no weak supervision" in cards["single"]["trained_on"]
    with pytest.raises(ValueError, match=r"is a second stage, .*no CAMs: .*--tasks seg"):
        run_evaluation(replace(options, tasks=("cam", "seg")))
    labels = ExportOptions(checkpoint=str(checkpoint), output=directory / "labels")
    for changes in ({}, {"source": "seg", "kinds": ("labels", "overlays")}):
        with pytest.raises(ValueError, match=r"it has no CAMs: .*--source seg"):
            run_export(replace(labels, **changes))


def test_the_ledger_knows_masks_from_files(labels: Path, tmp_path: Path) -> None:
    ledger = MaskLedger()
    dataset = open_dataset(with_masks(tmp_path), ledger=ledger)
    split, recipe = dataset.split("train"), next(iter(check_options(short(labels)).values()))
    row = split.row(0)
    Image.fromarray(np.ones((row.height, row.width), np.uint8)).save(tmp_path / "one.png")
    trainer = SupervisedTrainer(recipe, dataset, LabelFiles({0: tmp_path / "one.png"}))
    for _ in range(3):
        trainer.step()
    assert ledger.total() == 0
    SupervisedTrainer(recipe, dataset, SplitMasks(len(split))).step()
    assert ledger.counts == {("train", MASKS_PURPOSE): 2}


def test_a_stopped_run_goes_on_to_the_same_weights(
    scenes: Path, labels: Path, tmp_path: Path
) -> None:
    options = options_of(scenes, tmp_path, labels, set=short_settings(backbone__drop_path="0.2"))
    setup = check_second_stage(check_options(options), options, str(scenes))
    plan, asked = setup.runs[0].plan, iter([False] * 3)
    checkpoints = Path(plan.directory)
    checkpoints.mkdir(parents=True)

    def fit(stop: Callable[[], bool]) -> None:
        how = (plan, Rank(), None, lambda _event: None, stop)
        run(*how, start=lambda *rest: start(setup.labels, setup.trained_on, *rest))

    with pytest.raises(RunStopped):
        fit(lambda: next(asked, True))
    fit(lambda: False)
    resumed = load_checkpoint(checkpoints / "iteration-000006.pt")
    shutil.rmtree(checkpoints)
    checkpoints.mkdir()
    fit(lambda: False)
    whole = load_checkpoint(checkpoints / "iteration-000006.pt")
    assert all((whole.model[name] == weight).all() for name, weight in resumed.model.items())


def test_what_is_no_export_of_these_images_is_refused(
    scenes: Path, write_labels: Write, tmp_path: Path
) -> None:
    def refused(labels: Path, message: str) -> None:
        with pytest.raises(ValueError, match=message) as error:
            finish(options_of(scenes, tmp_path, labels))
        assert "\n" not in str(error.value)
        assert not (tmp_path / "second").exists()

    refused(tmp_path / "nothing", r"nothing: there is no export: python -m platform\.export")
    refused(write_labels("tune"), r"is an export of the split 'tune': a second stage learns")
    refused(write_labels(classes=["cat"]), r"the labels are of 1 classes \('cat'\), .* has 8 ")
    strange = write_labels()
    first, second, *rest = sorted((strange / "labels").iterdir())
    shutil.copy(first, strange / "labels/2007_000032.png")
    refused(strange, r"1 of 13 labels are of no image in train of .* '2007_000032'")
    (strange / "labels/2007_000032.png").unlink()
    Image.fromarray(np.full((64, 64), 9, np.uint8)).save(first)
    refused(strange, r"train-000000\.png: label 9 is neither 0\.\.8 nor 255")
    Image.fromarray(np.zeros((32, 64), np.uint8)).save(first)
    refused(strange, r"the labels are 32 x 64 px, their image is 64 x 64 px")
    first.write_bytes(b"")
    refused(strange, r"train-000000\.png: the labels cannot be read")
    for path in (first, second, *rest):
        path.unlink()
    refused(strange, r"labels: there are no labels: export them \(--kinds labels\)")


def test_a_directory_of_something_else_is_refused(
    scenes: Path, labels: Path, tmp_path: Path
) -> None:
    (tmp_path / "second/trials").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"is no second stage, and not empty: .*another --name"):
        finish(options_of(scenes, tmp_path, labels))


def test_masks_that_are_not_there_are_no_labels(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"split train has masks for 0 of 32 .*exported LABELS"):
        finish(options_of(scenes, tmp_path, None, masks=True))
