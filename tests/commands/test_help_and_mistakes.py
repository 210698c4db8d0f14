from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from platform.cluster.machine import device_for
from tests.commands.processes import ENVIRONMENT, ROOT, attempt

HEAVY = {"torch", "ray", "optuna", "numpy", "pyarrow", "timm", "pandas"}


@pytest.mark.parametrize(
    "name",
    [
        "search",
        "train",
        "evaluate",
        "export",
        "second_stage",
        "report",
        "data",
        "confirm",
        "compare",
    ],
)
def test_the_help_comes_without_a_heavy_import(name: str) -> None:
    arguments = [sys.executable, "-X", "importtime", "-m", f"platform.{name}", "--help"]
    done = subprocess.run(
        arguments, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert f"python -m platform.{name}" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "platform.command_line" in imported
    assert not {module.partition(".")[0] for module in imported} & HEAVY


def test_training_in_this_process_needs_no_ray() -> None:
    modules = modules_after("import platform.train.command, platform.evaluate.command")
    assert "torch" in modules
    assert not {"ray", "optuna"} & modules


def test_a_search_with_a_mistake_is_refused_before_torch_and_ray_are_loaded() -> None:
    modules = modules_after(
        "from platform.search.checks import check_options",
        "from platform.search.options import SearchOptions",
        "check_options(SearchOptions())",
    )
    assert "optuna" in modules  # the space is read
    assert not {"ray", "torch", "timm"} & modules


def modules_after(*lines: str) -> set[str]:
    """Return the modules that some lines of Python have loaded."""
    code = "; ".join([*lines, "import sys", "print(*sys.modules)"])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--recipe", "voc"], "recipe voc: neither a file nor one of coco_deit_b,"),
        (["train", "--set", "weights.pct=1"], "did you mean weights.ptc?"),
        (["train", "--weights", "none.pth"], "--weights none.pth: there is no such file"),
        (["train", "--weights", "w" * 300], "wwww: there is no such file"),
        (["train", "--reports", "r" * 300], ": File name too long; choose a shorter name"),
        (["train", "--name", "n" * 300], "must have at most 150 bytes"),
        (["train", "--compare-with", "s3://b/r"], "--compare-with s3:/b/r must be a directory of"),
        (["search", "--reports", "nosuch://b/r"], "nosuch:// is none of s3://, gs://"),
        (["train", "--reports", "README.md/r"], "README.md/r/train-partscenes"),
        (["evaluate", "c" * 300], "there is no checkpoint at cccc"),
        (["train", "--seeds", "0"], "--seeds 0 must be at least 1"),
        (["train", "--name", "a/b"], "--name 'a/b' must be letters, digits"),
        (["train", "--workers", "3"], "--workers 3 cannot share data.images_per_step 8 evenly"),
        (["train", "--workers", "0"], "--workers 0 must be at least 1"),
        (["train", "--set", "compute.parts=3"], "compute.parts 3 does not divide the 8 images"),
        (
            ["train", "--workers", "4", "--set", "compute.parts=4"],
            "compute.parts 4 does not divide the 2 images of each worker's step",
        ),
        (["evaluate", "none.pt"], "there is no checkpoint at none.pt"),
        (["evaluate", "pyproject.toml", "--bkg", "43"], "--bkg 43.0 is not in 0..1"),
        (["evaluate", "pyproject.toml", "--images", "0"], "--images 0 must be at least 1"),
        (["evaluate", "pyproject.toml", "--scales", "0"], "--scales 0.0 is not in 0.1..8"),
        (["evaluate", "pyproject.toml", "--recipe", "voc_vit_b"], "say --official for a .pth file"),
        (["evaluate", "pyproject.toml", "--official"], "--official needs --recipe"),
        (["export", "pyproject.toml", "out", "--low", "0.2"], "give both or neither"),
        (["export", "none.pt", "out"], "there is no checkpoint at none.pt"),
        (["export", "pyproject.toml", "s3://bucket/out"], "must be a directory of this machine"),
        (["report"], "name the directory of a search, such as reports/partscenes, or --list"),
        (["report", "/nowhere"], "there is no directory /nowhere"),
        (["report", "r" * 300], "there is no directory rrrr"),
        (["report", "docs", "--list", "docs"], "--list lists searches and writes no report"),
        (["report", "docs"], "docs is not the directory of a search: it has no recipe.yaml"),
        (["report", "--list", "docs"], "there is no search in docs"),
        (["second_stage"], "name one thing to train on: LABELS, which python -m platform.export"),
        (["second_stage", "--masks", "--set=iterations=1"], "shorten the warm-up or train longer"),
        (["data", "voc", "/nowhere", "x"], "there is no directory /nowhere"),
        (["data", "check", "/nowhere"], "no dataset at /nowhere: there is no such directory"),
        (["confirm", "none"], "there is no directory none: name that of a search"),
        (["confirm", "docs", "--seeds", "1"], "--seeds 1 is not in 2..20"),
        (["confirm", "docs"], "docs: there is no search: name its directory"),
        (["search", "--confirm-seeds", "1"], "--confirm-seeds 1 is not in 2..20"),
        (["search", "--space", "nosuch"], "search space nosuch"),
        (["search", "--set=weights.ptcc=1"], "did you mean weights.ptc?"),
        (["search", "--set=backbone.aux_layer=12"], "backbone.aux_layer"),
        (["search", "--set=backbone.weights=/no/such/file"], "no file of backbone weights"),
        (
            ["search", "--set=data.images_per_step=64", "--workers", "64"],
            "fewer workers per trial",
        ),
        (["search", "--workers", "3"], "cannot share data.images_per_step"),
        (["search", "--set=data.crop_size=100"], "data.crop_size 100 px is no whole number of"),
        (["search", "--trials", "0"], "--trials 0 must be more than 0"),
        (["compare", "docs"], "a comparison needs two results or more, not 1"),
        # These are found only once torch is there.
        (["train", "--data", "/nowhere"], "no dataset at /nowhere: there is no such directory"),
        (["train", "--set=data.crop_size=100"], "data.crop_size 100 px is no whole number of"),
        (["train", "--set=backbone.weights=/no/such/file"], "no file of backbone weights at"),
        (["train", "--workers", "2", "--cpus", "900"], "ask for fewer"),
        (["evaluate", "pyproject.toml"], "pyproject.toml is not a readable training checkpoint"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_on_stderr(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process: a new one would spend seconds on its imports."""
    name, *rest = arguments
    writes = name in ("train", "search") and "--reports" not in rest
    reports = ["--reports", str(tmp_path)] if writes else []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [f"platform.{name}", *rest, *reports])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"platform.{name}", run_name="__main__")
    assert ended.value.code == 2
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [("train", "--seeds", "0"), ("train", "--data", "/nowhere")])
def test_a_mistake_ends_a_process_of_its_own_as_well(arguments: tuple[str, ...]) -> None:
    """One that is found at once, and one that is found once torch is there."""
    done = attempt(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="about a machine without a GPU")
@pytest.mark.parametrize("gpus", [0.5, 1.0])
def test_a_gpu_that_is_not_there_is_refused(gpus: float) -> None:
    with pytest.raises(ValueError, match=f"--gpus {gpus:g}: this machine has no GPU"):
        device_for(gpus)
    assert device_for(None) == device_for(0.0) == "cpu"
