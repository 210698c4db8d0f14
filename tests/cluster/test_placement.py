from __future__ import annotations

import time

import pytest

from platform.cluster.placement import DRIVER_CPUS, make_placement

CPU = {"CPU": 1}
GPU = {"CPU": 4, "GPU": 1}


@pytest.mark.parametrize(
    ("nodes", "workers", "worker", "expected"),
    [
        ([{"CPU": 2}], 0, CPU, 2),  # in the driver
        ([{"CPU": 2}], 1, CPU, 1),  # the second trial's driver has no room
        ([{"CPU": 2.02}], 1, CPU, 2),
        ([{"CPU": 64, "GPU": 8}], 2, GPU, 4),
        ([{"CPU": 64, "GPU": 4}, {"CPU": 64, "GPU": 4}], 2, GPU, 4),
        ([{"CPU": 64, "GPU": 3}, {"CPU": 64, "GPU": 3}], 2, GPU, 3),  # one spans both
        ([{"CPU": 8, "GPU": 8}], 1, GPU, 1),  # short of CPUs for the second one's driver
        ([{"CPU": 8, "GPU": 0.3}], 1, {"CPU": 1, "GPU": 0.1}, 3),  # exact in decimals
    ],
)
def test_as_many_trials_run_as_fit(
    nodes: list[dict[str, float]], workers: int, worker: dict[str, float], expected: int
) -> None:
    placement = make_placement(nodes, workers_per_trial=workers, worker=worker)
    assert placement.max_concurrent_trials == expected


def test_a_worker_does_not_spread_over_machines() -> None:
    nodes = [{"CPU": 8, "GPU": 1}, {"CPU": 8, "GPU": 1}]
    with pytest.raises(ValueError, match="2 machines"):
        make_placement(nodes, workers_per_trial=1, worker={"GPU": 2})


def test_shares_of_a_gpu_lie_on_one_gpu() -> None:
    placement = make_placement([{"CPU": 8, "GPU": 2}], workers_per_trial=0, worker={"GPU": 0.6})
    assert placement.max_concurrent_trials == 2


def test_evaluation_workers_come_first() -> None:
    nodes = [{"CPU": 16, "GPU": 2}]
    demand = {"workers_per_trial": 1, "worker": {"GPU": 0.75}}
    alone = make_placement(nodes, workers_per_trial=1, worker={"GPU": 1})
    shared = make_placement(nodes, **demand, scorers=2, scorer={"GPU": 0.25})
    crowded = make_placement(nodes, **demand, scorers=1, scorer={"GPU": 0.5})
    counts = [one.max_concurrent_trials for one in (alone, shared, crowded)]
    assert counts == [2, 1, 1]


def test_no_more_trials_than_wanted() -> None:
    placement = make_placement([{"CPU": 64}], workers_per_trial=0, worker=CPU, trials=3)
    assert placement.max_concurrent_trials == 3


def test_the_driver_takes_a_fraction_unless_it_trains() -> None:
    nodes = [{"CPU": 8}]
    assert make_placement(nodes, workers_per_trial=1, worker=CPU).driver == {"CPU": DRIVER_CPUS}
    assert make_placement(nodes, workers_per_trial=0, worker={"CPU": 2}).driver == {"CPU": 2}


def test_drivers_that_only_wait_are_on_the_head_if_it_has_room() -> None:
    workers = [{"CPU": 8}, {"CPU": 8}]
    roomy = make_placement([{"CPU": 1}, *workers], workers_per_trial=2, worker={"CPU": 4})
    empty = make_placement([{"CPU": 0}, *workers], workers_per_trial=2, worker={"CPU": 3})
    trains = make_placement([{"CPU": 1}], workers_per_trial=0, worker=CPU)
    assert [one.drivers_on_head for one in (roomy, empty, trains)] == [True, False, False]


def test_what_never_fits_is_refused_with_numbers_and_a_way_out() -> None:
    with pytest.raises(ValueError, match="fewer workers per trial") as caught:
        make_placement(
            [{"CPU": 8, "GPU": 1}], workers_per_trial=2, worker=GPU, scorers=1, scorer=CPU
        )
    message = str(caught.value)
    assert "2 workers x (4 CPU, 1 GPU)" in message
    assert "(8 CPU, 1 GPU), of which 1 evaluation workers take (1 CPU) each" in message
    assert "\n" not in message


def test_evaluation_workers_that_never_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"4 evaluation workers x \(1 CPU\) do not fit on 1 mach"):
        make_placement([{"CPU": 2}], workers_per_trial=0, worker=CPU, scorers=4, scorer=CPU)


@pytest.mark.parametrize(
    "wrong", [{"workers_per_trial": -1}, {"scorers": -1}, {"trials": 0}, {"worker": {}}]
)
def test_senseless_demands_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be|no resources"):
        make_placement([{"CPU": 2}], **{"workers_per_trial": 0, "worker": CPU, **wrong})  # pyright: ignore


def test_a_hundred_machines_take_less_than_a_second() -> None:
    start = time.perf_counter()
    placement = make_placement([{"CPU": 64, "GPU": 8}] * 100, workers_per_trial=2, worker=GPU)
    assert placement.max_concurrent_trials == 400
    assert time.perf_counter() - start < 1.0
