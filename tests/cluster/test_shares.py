"""What processes get by default: on CPUs as before, on GPUs a scorer's share and loaders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from platform.cluster.gpu_kinds import UNKNOWN, kind_of, kind_resource
from platform.cluster.placement import Placement, Resources
from platform.cluster.shares import Demand, loaders_beside, place

H100 = {"accelerator_type:H100": 1.0}
ONE = [{"CPU": 16.0, "GPU": 1.0, **H100}]
EIGHT = [{"CPU": 128.0, "GPU": 8.0, **H100}]
DEMAND = Demand(
    workers=1,
    in_driver=True,
    cpus=None,
    gpus=None,
    loaders=None,
    scorers=None,
    scorer_cpus=0.1,
    scorer_gpus=None,
    scorer_bytes=5e9,
    cpu_scorers=2,
)


def placed(nodes: Sequence[Resources], **changes: Any) -> Placement:
    return place(nodes, replace(DEMAND, **changes))


def test_on_one_gpu_a_trial_leaves_the_scorer_its_share() -> None:
    placement = placed(ONE)
    assert placement.max_concurrent_trials == 1
    assert (placement.scorers, placement.scorer["GPU"]) == (1, 0.1)
    assert placement.worker == {"CPU": 13.0, "GPU": 0.9}
    assert (placement.loaders, placement.gpus_per_trial) == (12, 1.0)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_gpu_is_lost_to_the_scorers_and_none_is_shared(workers: int) -> None:
    placement = placed(EIGHT, workers=workers, in_driver=workers == 1)
    assert placement.max_concurrent_trials == 8 // workers
    assert placement.scorers == 1
    assert placement.worker["GPU"] > 0.5


def test_every_machine_with_gpus_has_a_scorer() -> None:
    placement = placed([*EIGHT, *EIGHT, {"CPU": 8.0}])
    assert (placement.scorers, placement.max_concurrent_trials) == (2, 16)


def test_trials_that_share_a_gpu_share_what_the_scorer_leaves() -> None:
    placement = placed(EIGHT, gpus=0.5)
    assert placement.max_concurrent_trials == 16
    assert placement.worker["GPU"] == 0.45


def test_a_gpu_without_room_for_a_scorer_leaves_it_to_cpus() -> None:
    placement = placed([{"CPU": 16.0, "GPU": 1.0, "accelerator_type:T4": 1.0}], scorer_bytes=9e9)
    assert (placement.scorers, placement.scorer["GPU"], placement.worker["GPU"]) == (2, 0.0, 1.0)


def test_what_is_asked_for_is_given() -> None:
    placement = placed(EIGHT, scorers=2, scorer_gpus=1.0, loaders=3, cpus=5.0)
    assert placement.max_concurrent_trials == 6
    assert placement.worker == {"CPU": 5.0, "GPU": 1.0}
    assert (placement.scorers, placement.loaders) == (2, 3)


def test_on_cpus_the_machine_is_shared_as_ever() -> None:
    placement = placed([{"CPU": 2.0}])
    assert placement.worker == {"CPU": 0.9}
    assert (placement.scorers, placement.loaders, placement.gpus_per_trial) == (2, 0, 0.0)


@pytest.mark.parametrize(
    ("cpus", "gpus", "share", "expected"),
    [
        (16, 1, 1.0, 12),  # never more
        (12, 1, 1.0, 11),  # one CPU is the trainer's
        (64, 8, 1.0, 7),
        (64, 8, 0.5, 3),  # two trials on each
        (4, 4, 1.0, 1),  # a CPU beside each GPU: loading between the steps would stop it
        (64, 0, 0.0, 0),
        (64, 0, 1.0, 0),  # which is refused elsewhere
    ],
)
def test_loaders_follow_the_cpus_beside_a_gpu(
    cpus: int, gpus: int, share: float, expected: int
) -> None:
    assert loaders_beside([{"CPU": float(cpus), "GPU": float(gpus)}], share) == expected


def test_few_cpus_are_shared_among_scorer_and_trial() -> None:
    placement = placed([{"CPU": 4.0, "GPU": 1.0, **H100}])
    assert placement.worker["CPU"] == pytest.approx(3.9)
    assert placement.max_concurrent_trials == 1


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("Tesla V100-SXM2-16GB", "V100"),
        ("NVIDIA GeForce RTX 4090", UNKNOWN.name),
    ],
)
def test_a_gpu_is_known_by_its_name(device: str, name: str) -> None:
    assert kind_of({"GPU": 1.0, kind_resource(device): 1.0}).name == name
