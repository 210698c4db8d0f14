"""A search on a cluster that can grow: it counts on what could come, and says what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from platform.cluster.machines import Machine, Machines
from platform.search.checks import check_options
from platform.search.machines import place_on
from platform.search.options import Resources, SearchOptions
from toco_core.settings.overrides import load_recipe

HEAD = Machine(id="head", name="head", resources={"CPU": 4.0}, is_head=True)
GPUS = {"CPU": 48.0, "GPU": 4.0}
RECIPE = load_recipe("partscenes")


def options(trials: int = 40, **resources: object) -> SearchOptions:
    return SearchOptions(trials=trials, resources=Resources(**resources))  # pyright: ignore


def test_two_gpus_a_trial_are_asked_of_machines_that_are_not_there_yet() -> None:
    placement = place_on(Machines(up=[HEAD], possible=[GPUS] * 8), options(workers=2), RECIPE)
    assert (placement.max_concurrent_trials, placement.gpus_per_trial) == (16, 2.0)
    assert placement.drivers_on_head


def test_no_more_trials_are_asked_for_than_there_are_or_were_wanted() -> None:
    machines = Machines(up=[HEAD], possible=[GPUS] * 8)
    assert place_on(machines, options(trials=12), RECIPE).max_concurrent_trials == 12
    assert place_on(machines, options(concurrent=3), RECIPE).max_concurrent_trials == 3


def test_what_could_never_come_is_refused() -> None:
    with pytest.raises(ValueError, match="the cluster has 2 machines") as caught:
        place_on(Machines(up=[HEAD], possible=[{"CPU": 4.0}]), options(gpus=1.0), RECIPE)
    assert "write resources" not in str(caught.value)


def test_a_refusal_names_the_machines_of_which_nobody_knows_what_they_have() -> None:
    with pytest.raises(ValueError, match=r"machines of type gpu may join.* write resources") as one:
        place_on(Machines(up=[HEAD], unknown=["gpu"]), options(gpus=1.0), RECIPE)
    assert "\n" not in str(one.value)


def test_a_cluster_is_described_only_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    file = tmp_path / "cluster.yaml"
    with pytest.raises(ValueError, match="give its --address too"):
        check_options(options(cluster=file))
    with pytest.raises(ValueError, match="cannot be read"):
        check_options(replace(SearchOptions(), resources=Resources(cluster=file, address="auto")))
