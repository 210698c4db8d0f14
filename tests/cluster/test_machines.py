"""What a cluster can grow to: what is up, and what its file still allows."""

from __future__ import annotations

from platform.cluster.machines import Machine, Machines, growth_lines, with_room_to_grow
from platform.cluster.node_types import NodeType, NodeTypes
from platform.cluster.placement import Resources
from platform.cluster.shares import place
from tests.cluster.test_shares import DEMAND

CPU, GPU = {"CPU": 16.0}, {"CPU": 48.0, "GPU": 4.0}
HEAD = Machine(id="head", name="head", resources={"CPU": 16.0, "memory": 1e9}, is_head=True)


def types(*several: NodeType, most: int = 8) -> NodeTypes:
    return NodeTypes(types=several, most=most)


def gpu_type(most: int = 8, resources: Resources = GPU) -> NodeType:
    return NodeType(name="gpu", resources=resources, most=most)


def worker(number: int, resources: Resources = GPU, type_: str | None = "gpu") -> Machine:
    return Machine(id=f"w{number}", name=f"w{number}", resources=resources, type=type_)


def test_what_the_file_allows_could_join() -> None:
    machines = with_room_to_grow([HEAD], types(gpu_type()))
    assert machines.possible == [GPU] * 8
    assert list(growth_lines(machines)) == [
        "1 machine up; the autoscaler may bring 8 x (48 CPU, 4 GPU)"
    ]


def test_machines_that_are_up_are_not_counted_twice() -> None:
    up = [HEAD, worker(1), worker(2, type_=None)]  # the label is not Ray's oldest habit
    assert with_room_to_grow(up, types(gpu_type(6))).possible == [GPU] * 4
    assert with_room_to_grow(up, types(gpu_type(6), most=3)).possible == [GPU]
    assert with_room_to_grow(up, types(gpu_type(2))).possible == []


def test_types_share_the_limit_of_the_cluster_and_gpus_come_first() -> None:
    cpus = NodeType(name="cpu", resources=CPU, most=8)
    assert (
        with_room_to_grow([HEAD], types(cpus, gpu_type(3), most=5)).possible
        == [GPU] * 3 + [CPU] * 2
    )


def test_the_head_is_no_worker_of_its_type() -> None:
    head = NodeType(name="head", resources=CPU, most=0, is_head=True)
    assert with_room_to_grow([HEAD], types(head, gpu_type(1))).possible == [GPU]


def test_what_a_type_has_is_learnt_from_a_machine_of_it() -> None:
    unsaid = gpu_type(resources={})
    assert with_room_to_grow([HEAD, worker(1)], types(unsaid, most=2)).possible == [GPU]
    like_the_head = NodeType(name="local", resources={}, most=2, is_head=True)
    assert with_room_to_grow([HEAD], types(like_the_head, most=2)).possible == [CPU] * 2


def test_a_type_of_which_nobody_knows_what_it_has_is_named() -> None:
    machines = with_room_to_grow([HEAD], types(gpu_type(resources={})))
    assert (machines.possible, machines.unknown) == ([], ["gpu"])
    (line,) = growth_lines(machines)
    assert line.startswith("machines of type gpu may join")
    assert "write resources" in line


def test_trials_count_on_gpus_that_could_come_and_leave_the_scorer_its_share() -> None:
    machines = with_room_to_grow([HEAD], types(gpu_type()))
    placement = place(machines.resources, DEMAND, machines.possible)
    assert (placement.max_concurrent_trials, placement.gpus_per_trial) == (32, 1.0)
    assert (placement.scorers, placement.scorers_on_head) == (1, False)
    assert placement.scorer["GPU"] + placement.worker["GPU"] <= 1.0


def test_trials_on_cpus_are_scored_on_the_head() -> None:
    machines = Machines(up=[HEAD, worker(1, CPU)], possible=[CPU] * 2)
    placement = place(machines.resources, DEMAND, machines.possible)
    assert (placement.scorers, placement.scorers_on_head) == (2, True)
    assert placement.max_concurrent_trials == 4 * 16 - 1  # the head gives 0.2 CPU to the scorers


def test_a_head_without_cpus_scores_nothing() -> None:
    placement = place([{"CPU": 0.0}, CPU], DEMAND)
    assert (placement.scorers, placement.scorers_on_head) == (2, False)
