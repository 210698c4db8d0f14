"""Reports and comparisons of searches that lie in an object store: moto's, on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tyro

from platform.compare.command import run_comparison
from platform.compare.options import CompareOptions
from platform.confirm.checks import check_options as check_confirmation
from platform.confirm.options import ConfirmOptions
from platform.mirror.reading import put_there, read_here
from platform.report.checks import check_options
from platform.report.command import run_report
from platform.report.options import ReportOptions
from platform.train.checks import check_options as check_training
from platform.train.command import run_train
from platform.train.options import TrainOptions
from tests.object_store import object_store, variables
from tests.report.made_up import make_search
from tests.train.short_run import same_state
from toco_core.checkpoint import load_checkpoint
from toco_core.remote_path import Place, RemotePath
from toco_core.trainer import Trainer
from toco_core.training.loss_checks import StepLosses

pytest.importorskip("moto", reason="moto is not installed: the extra object-store")

KEPT = RemotePath("s3://bucket/reports/made-up")


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search as it is on disk, with checkpoints, whose copy is in the store."""
    directory = tmp_path_factory.mktemp("reports") / "made-up"
    make_search(directory, trials=6)
    (directory / "trials" / "trial-0000").mkdir(parents=True)
    (directory / "trials" / "trial-0000" / "iteration-000100.pt").write_bytes(b"large")
    return directory


@pytest.fixture(scope="module", autouse=True)
def store(search: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with (
        pytest.MonkeyPatch.context() as patch,
        object_store(tmp_path_factory.mktemp("moto") / "log") as endpoint,
    ):
        for name, value in variables(endpoint).items():
            patch.setenv(name, value)
        put_there(search, [path.name for path in search.iterdir()], KEPT)
        yield


def test_a_copy_has_all_but_the_checkpoints_and_is_gone_after_it_was_read(search: Path) -> None:
    with read_here(KEPT) as copy:
        assert copy.name == "made-up"
        there = {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()}
    assert not copy.exists()
    mine = {path.relative_to(search) for path in search.rglob("*") if path.is_file()}
    assert there == {path for path in mine if path.suffix != ".pt"}
    with read_here(search) as itself:
        assert itself == search


def test_the_report_of_a_search_in_a_store_is_put_beside_it(
    capsys: pytest.CaptureFixture[str], search: Path
) -> None:
    options = ReportOptions(searches=(KEPT,))
    check_options(options)
    assert run_report(options) == 0
    assert f"report: {KEPT}/report.html" in capsys.readouterr().out
    page = (KEPT / "report.html").read_bytes()
    assert b"made-up" in page
    assert [name for name in KEPT.files() if name.startswith("report/") and name.endswith(".svg")]
    assert not (search / "report.html").exists()


def test_a_page_cannot_be_written_to_a_uri_in_place() -> None:
    with pytest.raises(ValueError, match=r"--output s3:/bucket/page.html must be a directory of"):
        check_options(ReportOptions(searches=(KEPT,), output=Path("s3://bucket/page.html")))


def test_what_is_not_in_the_store_is_named() -> None:
    nothing = RemotePath("s3://bucket/reports/nothing")
    with pytest.raises(ValueError, match=r"s3://bucket/reports/nothing: there is nothing of that"):
        run_report(ReportOptions(searches=(nothing,)))
    with pytest.raises(ValueError, match=r"s3://bucket/reports/nothing: there is no search: name"):
        check_confirmation(ConfirmOptions(search=nothing))


def test_a_result_in_a_store_is_called_by_its_uri(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept = RemotePath("s3://bucket/runs/evaluation-report")
    for directory, miou in ((tmp_path / "one", 0.6), (tmp_path / "two", 0.7)):
        directory.mkdir()
        content = {"checkpoint": str(tmp_path / "gone.pt"), "official": False, "miou": miou}
        (directory / "evaluation.json").write_text(json.dumps(content))
    put_there(tmp_path / "two", ["evaluation.json"], kept)
    assert run_comparison(CompareOptions(results=(tmp_path / "one", kept))) == 0
    shown = capsys.readouterr().out
    assert "s3://bucket/runs/evaluation" in "".join(shown.split())
    assert "70.0" in shown


@pytest.mark.parametrize("options", [ReportOptions, ConfirmOptions, CompareOptions])
def test_the_command_line_takes_a_uri(options: type[Any]) -> None:
    given = tyro.cli(options, args=[str(KEPT)])
    place = given.search if options is ConfirmOptions else next(iter(vars(given).values()))[0]
    assert place == KEPT


def train(reports: Place, scenes: Path, *more: str) -> int:
    settings = {"backbone.name": "partscenes_vit", "backbone.weights": "random", "iterations": "4"}
    settings |= {"data.crop_size": "32", "data.images_per_step": "2", "optimiser.warmup": "1"}
    settings |= {"scoring.scores": "2", "scoring.images": "4"}
    options = TrainOptions(
        reports=reports,
        name="run",
        data=str(scenes),
        set=(*(f"{key}={value}" for key, value in settings.items()), *more),
    )
    return run_train(check_training(options), options)


def test_a_run_in_a_store_is_gone_on_with_on_another_machine_to_the_same_bits(
    scenes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = RemotePath("s3://bucket/runs")
    assert train(tmp_path, scenes) == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "first"))
    advance = Trainer.advance

    def break_off(trainer: Trainer) -> list[StepLosses]:
        if trainer.iteration == 3:
            raise OSError(28, "No space left on device")
        return advance(trainer)

    with monkeypatch.context() as broken:
        broken.setattr(Trainer, "advance", break_off)
        with pytest.raises(OSError, match="No space left"):
            train(store, scenes)
    assert (store / "run" / "checkpoints").files() == ["iteration-000002.pt"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "second"))
    assert train(store, scenes) == 0
    assert f"the run is kept in {store}/run" in capsys.readouterr().out
    assert (store / "run" / "checkpoints").files() == []
    kept = load_checkpoint(store / "run" / "checkpoint.pt")
    assert same_state(kept.model, load_checkpoint(tmp_path / "run" / "checkpoint.pt").model)
    losses = (store / "run" / "losses.jsonl").read_bytes()
    assert losses == (tmp_path / "run" / "losses.jsonl").read_bytes()
    assert {path.name for path in (tmp_path / "run").iterdir() if path.is_file()} - {".lock"} <= {
        name.partition("/")[0] for name in (store / "run").files()
    }
    assert train(store, scenes) == 0
    assert "finished earlier, after 4 iterations" in capsys.readouterr().out
