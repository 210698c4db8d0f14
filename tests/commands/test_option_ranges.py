from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from platform.cluster.placement import make_placement
from platform.cluster.shares import cpu_share
from platform.evaluate.checks import check_options as check_evaluation
from platform.evaluate.options import EvaluateOptions
from platform.export.checks import check_options as check_export
from platform.export.options import ExportOptions
from platform.search.checks import check_options as check_search
from platform.search.options import SearchOptions
from platform.train.checks import check_options as check_train
from platform.train.options import TrainOptions

RANGES = [
    ({"scorers": 0}, "--scorers 0 must be at least 1"),
    ({"scorers": -1}, "--scorers -1 must be at least 1"),
    ({"cpus": -1.0}, r"--cpus -1\.0 must be 0, or at least 0\.0001"),
    ({"cpus": 0.00004}, r"--cpus 4e-05 must be 0, or at least 0\.0001"),
    ({"cpus": float("nan")}, "--cpus nan must be 0, or at least"),
    ({"cpus": float("inf")}, "--cpus inf must be 0, or at least"),
    ({"gpus": -0.5}, r"--gpus -0\.5 must be 0, or at least"),
    ({"gpus": 1.5}, r"--gpus 1\.5 must be a whole number, or at most 1"),
]
MORE = [
    ({"workers": 0}, "--workers 0 must be at least 1"),
    ({"loaders": -1}, "--loaders -1 must be at least 0"),
    ({"scorer_cpus": -1.0}, r"--scorer-cpus -1\.0 must be 0, or at least"),
    ({"scorer_gpus": 1e-5}, "--scorer-gpus 1e-05 must be 0, or at least"),
]


@pytest.mark.parametrize(("change", "message"), [*RANGES, *MORE, ({"concurrent": 0}, "at least 1")])
def test_a_search_refuses_resources_out_of_range(change: dict[str, Any], message: str) -> None:
    options = SearchOptions()
    with pytest.raises(ValueError, match=message):
        check_search(replace(options, resources=replace(options.resources, **change)))


@pytest.mark.parametrize(("change", "message"), [*RANGES, *MORE])
def test_a_training_run_refuses_resources_out_of_range(
    change: dict[str, Any], message: str
) -> None:
    options = TrainOptions()
    with pytest.raises(ValueError, match=message):
        check_train(replace(options, workers=replace(options.workers, **change)))


@pytest.mark.parametrize(("change", "message"), RANGES)
def test_evaluation_and_export_refuse_resources_out_of_range(
    change: dict[str, Any], message: str
) -> None:
    evaluation = EvaluateOptions(checkpoint="none.pt")
    with pytest.raises(ValueError, match=message):
        check_evaluation(replace(evaluation, workers=replace(evaluation.workers, **change)))
    export = ExportOptions(checkpoint="none.pt", output=Path("out"))
    with pytest.raises(ValueError, match=message):
        check_export(replace(export, workers=replace(export.workers, **change)))


@pytest.mark.parametrize("cpus", [0.0, 0.00004])
def test_a_trial_too_small_to_be_counted_is_refused(cpus: float) -> None:
    with pytest.raises(ValueError, match="asks for no resources at all"):
        make_placement([{"CPU": 2.0}], workers_per_trial=0, worker={"CPU": cpus})


@pytest.mark.parametrize(("cores", "workers"), [(2, 3), (1, 7), (64, 9), (2, 40)])
def test_shares_of_a_machine_fit_on_it(cores: float, workers: int) -> None:
    nodes = [{"CPU": float(cores)}]
    cpus = cpu_share(nodes, workers, reserved=0.0)
    fits = cpus * workers <= cores + 1e-9
    assert fits or cpus == 0.1
    assert cpus >= 0.1


def test_a_training_run_refuses_a_warm_up_that_does_not_end() -> None:
    with pytest.raises(ValueError, match=r"optimiser\.warmup 1500 must be in 0\.\.1499"):
        check_train(TrainOptions(recipe="voc_vit_b", set=("iterations=1500",)))
