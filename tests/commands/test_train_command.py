from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from platform.lock import only_one
from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.commands.processes import (
    ENVIRONMENT,
    ROOT,
    attempt,
    command,
    set_options,
    short_settings,
)
from tests.commands.runs import finish, train_options
from toco_core.checkpoint import load_checkpoint
from toco_core.settings.overrides import load_recipe


def test_a_run_leaves_its_checkpoint_its_recipe_and_its_tables(trained: Path) -> None:
    checkpoint = load_checkpoint(trained / "checkpoint.pt")
    assert checkpoint.iteration == checkpoint.recipe.iterations == 6
    assert load_recipe(str(trained / "recipe.yaml")) == checkpoint.recipe
    (row,) = read_trials(trained)
    assert (row.state, row.iteration, row.totals["mask_reads"]) == ("complete", 6, 2 * 24)
    assert row.params["weights.ptc"] == 0.3
    assert row.params["seed"] == 0
    assert [score["iteration"] for score in read_curves(trained)] == [3, 6]
    assert row.score == read_curves(trained)[-1]["score"]
    assert list((trained / "tensorboard/trial-0000").glob("events.*"))
    assert not (trained / "checkpoints").exists()


def test_the_same_command_again_says_that_the_run_is_finished(
    trained: Path, scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (trained / "checkpoint.pt").stat().st_mtime_ns
    options = train_options(scenes, trained.parent, name="run", settings={"weights__ptc": "0.3"})
    assert finish(options) == 0
    shown = capsys.readouterr().out
    assert "run: finished earlier, after 6 iterations" in shown
    assert f"checkpoint: {trained / 'checkpoint.pt'}" in shown
    assert "scores during training" in shown
    assert (trained / "checkpoint.pt").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("rate", "status", "told"),
    [
        ({}, 0, "equal to {other}, to the bit, in all 6 iterations of both"),
        ({"optimiser__lr": "0.01"}, 1, "the losses part at iteration "),
    ],
)
def test_a_run_is_compared_with_another_step_by_step(
    rate: dict[str, str],
    status: int,
    told: str,
    trained: Path,
    scenes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = train_options(
        scenes,
        tmp_path,
        name="again",
        settings={"weights__ptc": "0.3", **rate},
        compare_with=trained,
    )
    assert finish(options) == status
    assert told.format(other=trained) in capsys.readouterr().out.replace("\n", "")


def test_a_comparison_with_what_is_no_run_is_refused_before_training(
    scenes: Path, tmp_path: Path
) -> None:
    options = train_options(scenes, tmp_path, name="again", compare_with=tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"--compare-with .*nothing: there is no losses\.jsonl"):
        finish(options)


def test_a_run_of_other_settings_is_refused_by_name(trained: Path, scenes: Path) -> None:
    options = train_options(scenes, trained.parent, name="run", settings={"weights__ptc": "0.4"})
    with pytest.raises(ValueError, match=r"other settings: weights\.ptc \(was 0\.3, now 0\.4\)"):
        finish(options)


def test_scores_on_another_split_do_not_get_into_the_same_table(
    trained: Path, scenes: Path
) -> None:
    settings = {"weights__ptc": "0.3"}
    options = train_options(scenes, trained.parent, name="run", settings=settings, split="report")
    with pytest.raises(ValueError, match="was scored on split tune, and its table cannot go on"):
        finish(options)


def test_a_directory_that_holds_a_search_is_refused(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "run/trials").mkdir(parents=True)
    with pytest.raises(ValueError, match="holds a search: give this run another --name"):
        finish(train_options(scenes, tmp_path, name="run"))


def test_a_run_that_another_process_works_on_is_refused(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with only_one(tmp_path / "run"), pytest.raises(ValueError, match="another process is working"):
        finish(train_options(scenes, tmp_path, name="run"))


def test_without_a_split_to_score_on_no_mask_is_opened(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finish(train_options(scenes, tmp_path, split="none")) == 0
    assert read_curves(tmp_path / "train-partscenes") == []
    assert "–      –        0" in capsys.readouterr().out
    assert (tmp_path / "train-partscenes/checkpoint.pt").is_file()


def test_a_split_without_masks_is_refused(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="split train has masks for 0 of 32 images"):
        finish(train_options(scenes, tmp_path, split="train"))


def test_several_seeds_end_with_their_mean(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = train_options(scenes, tmp_path, name="run", seed=5, seeds=2)
    short = short_settings(iterations="2", optimiser__warmup="1", scoring__images="4")
    assert finish(replace(options, set=short)) == 0
    runs = [tmp_path / f"run-seed{seed}" for seed in (5, 6)]
    first, second = (load_checkpoint(run / "checkpoint.pt") for run in runs)
    assert (first.recipe.seed, second.recipe.seed) == (5, 6)
    assert not torch.equal(first.model["classifier.weight"], second.model["classifier.weight"])
    shown = capsys.readouterr().out
    mean = sum(read_curves(run)[-1]["score"] for run in runs) / 2
    assert re.search(rf"mean +{100 * mean:.1f} ", shown)
    assert "95 % interval" in shown


def test_a_loss_that_is_not_finite_ends_the_run_with_its_name(scenes: Path, tmp_path: Path) -> None:
    options = train_options(scenes, tmp_path, name="run", settings={"optimiser__lr": "1e30"})
    with pytest.raises(ArithmeticError, match="iteration"):
        finish(options)
    (row,) = read_trials(tmp_path / "run")
    assert row.state == "failed"
    assert row.reason.startswith("NonFiniteLossError: ")


@pytest.mark.slow
def test_ctrl_c_saves_a_checkpoint_from_which_the_same_command_goes_on(
    scenes: Path, tmp_path: Path
) -> None:
    settings = set_options(
        short_settings(iterations="80", scoring__images="4", scoring__scores="8")
    )
    # The loading process gets the Ctrl-C of the terminal too.
    arguments = ["--data", scenes, "--reports", tmp_path, "--name", "run", "--loaders", 1]
    arguments = [str(argument) for argument in [*arguments, *settings]]
    with subprocess.Popen(
        command("train", *arguments),
        cwd=ROOT,
        env=ENVIRONMENT | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        first = next((line for line in lines if "CAM mIoU" in line), "")  # after 10 iterations
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130, first + rest
    assert "Traceback" not in rest
    assert "the same command goes on from there" in rest
    (checkpoint,) = sorted((tmp_path / "run/checkpoints").glob("*.pt"))[-1:]
    stopped = load_checkpoint(checkpoint).iteration
    assert 10 <= stopped < 80
    assert f"stopped at iteration {stopped}" in rest
    again = attempt("train", *arguments)
    assert again.returncode == 0, again.stderr
    assert f"run: going on at iteration {stopped}" in again.stdout
    assert [row["iteration"] for row in read_curves(tmp_path / "run")] == list(range(10, 81, 10))
