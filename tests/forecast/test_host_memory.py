"""The estimate of host memory, beside what processes were measured to hold."""

from __future__ import annotations

from typing import Any

import pytest

from platform.cluster.host_memory import HostMemory
from platform.cluster.machines import Machine, Machines
from platform.cluster.placement import Placement, make_placement
from platform.forecast.host_memory import HostUse, host_use
from platform.forecast.room import heaviest_load, hosts_of
from toco_core.encoder_size import PARTSCENES_SIZE, EncoderSize
from toco_core.settings.overrides import apply_overrides, load_recipe

VIT_B = EncoderSize(depth=12, width=768, hidden=3072, patch=16)
MIB = 2.0**20
USE = HostUse(worker=2e9, loader=1e9, driver=1.5e9, scorer=1e9)
MEMORY = HostMemory(total=1e11, used=1e9)


def placement(workers: int = 0, loaders: int = 0, **changes: Any) -> Placement:
    made = make_placement([{"CPU": 8.0}], workers_per_trial=workers, worker={"CPU": 1.0})
    return Placement(**{**vars(made), "loaders": loaders, **changes})


@pytest.mark.parametrize(
    ("name", "changes", "mebibytes"),  # measured: the peak of a process in its second step
    [
        ("partscenes", {}, 555),
        ("partscenes", {"data.crop_size": 128}, 797),
        ("partscenes", {"data.images_per_step": 32}, 820),
        ("voc_vit_b", {"data.crop_size": 224, "data.images_per_step": 1}, 2363),
    ],
)
def test_a_step_on_a_cpu_takes_what_was_measured(
    name: str, changes: dict[str, int], mebibytes: float
) -> None:
    recipe = apply_overrides(load_recipe(name), changes)
    size = PARTSCENES_SIZE if name == "partscenes" else VIT_B
    use = host_use(recipe, size, placement(), 10e6, is_local=True)
    imported = 85 * MIB  # by a trial, of Tune, Train and TensorBoard, and not by what was measured
    assert use.worker - imported == pytest.approx(mebibytes * MIB, rel=0.1)


def test_on_a_gpu_the_host_holds_no_activations() -> None:
    recipe = load_recipe("voc_vit_b")
    larger = apply_overrides(recipe, {"data.images_per_step": 64})
    gpu = placement(loaders=4, gpus_per_trial=1.0)
    one, other = (host_use(each, VIT_B, gpu, 0, is_local=True) for each in (recipe, larger))
    assert one.worker == other.worker
    assert one.loader < other.loader


def test_who_reads_an_object_store_imports_everything_again() -> None:
    recipe, loading = load_recipe("voc_vit_b"), placement(loaders=4)
    here, there = (
        host_use(recipe, VIT_B, loading, 0, is_local=is_local).loader for is_local in (True, False)
    )
    assert there > here + 0.3e9


def machines(*up: dict[str, float], possible: list[dict[str, float]] | None = None) -> Machines:
    each = [Machine(id=f"m{i}", name=f"m{i}", resources=one) for i, one in enumerate(up)]
    return Machines(up=each, possible=possible or [])


def test_the_machine_with_the_least_room_decides() -> None:
    both = machines({"CPU": 2.0}, {"CPU": 8.0})
    load = heaviest_load(hosts_of(both, [MEMORY, MEMORY]), placement(loaders=3), USE)
    assert (load.host.name, load.workers, load.needed) == ("m1", 8, 1e9 + 8 * (2e9 + 3 * 1e9))


def test_groups_of_workers_bring_processes_of_ray_train() -> None:
    group = placement(workers=2, drivers_on_head=True)
    both = hosts_of(machines({"CPU": 2.0}, {"CPU": 8.0}), [MEMORY, MEMORY])
    head, other = (heaviest_load([one], group, USE) for one in both)
    assert head.drivers == group.max_concurrent_trials == 3
    assert heaviest_load(both, group, USE).drivers == 0
    assert other.workers == 6


def test_a_machine_to_come_has_the_memory_that_its_cluster_writes_down() -> None:
    known, unknown = {"CPU": 4.0, "memory": 0.7 * 64e9}, {"CPU": 4.0}
    hosts = hosts_of(machines({"CPU": 2.0}, possible=[known, unknown]), [None])
    assert [host.memory.total for host in hosts] == [pytest.approx(64e9)]
