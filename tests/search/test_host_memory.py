"""A search is fitted into the memory of its machines, where nothing else was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from platform.cluster.host_memory import HostMemory
from platform.cluster.placement import Placement
from platform.cluster.placement import Resources as Amounts
from platform.forecast.host_memory import HostUse
from platform.forecast.room import Host
from platform.search.host_memory import Fitted, fit_in_memory
from platform.search.options import Resources
from platform.search.setup import place_search
from toco_core.settings.overrides import load_recipe

VOC = load_recipe("voc_vit_b")
EIGHT = {"CPU": 128.0, "GPU": 8.0, "accelerator_type:H100": 1.0}
GB = 1e9
USE = HostUse(worker=3.7 * GB, loader=0.4 * GB, driver=1.5 * GB, scorer=2.7 * GB)


def host(resources: Amounts, total: float, used: float = 4 * GB) -> Host:
    return Host(name="w1", resources=resources, memory=HostMemory(total=total, used=used))


def fitted(hosts: Sequence[Host], options: Resources | None = None) -> Fitted:
    nodes = [host.resources for host in hosts]
    return fit_in_memory(partial(placed, nodes), options or Resources(), hosts, lambda _: USE)


def placed(nodes: Sequence[Amounts], options: Resources) -> Placement:
    return place_search(nodes, options, VOC)


def test_with_memory_enough_nothing_changes() -> None:
    one = fitted([host(EIGHT, 512 * GB)])
    assert one.placement == placed([EIGHT], Resources())
    assert (one.placement.max_concurrent_trials, one.placement.loaders) == (8, 12)
    assert one.warning is None
    (line,) = one.lines
    assert line == (
        "memory: 74.7 GB of the 512 GB of w1 at most (estimate): "
        "8 training x (3.7 GB + 12 loading x 0.4 GB), 1 evaluating x 2.7 GB, 4 GB in use already"
    )


def test_where_nothing_is_known_of_the_memory_nothing_is_said() -> None:
    assert fit_in_memory(partial(placed, [EIGHT]), Resources(), [], lambda _: USE).lines == ()


def test_fewer_loading_processes_come_first() -> None:
    one = fitted([host(EIGHT, 64 * GB)])
    assert one.placement.max_concurrent_trials == 8
    assert 0 < one.placement.loaders < 12
    assert one.warning is None
    assert "memory: 7 loading processes a worker in place of 12, with which w1" in one.lines[1]
    assert one.lines[1].endswith("; --loaders 12 takes them all the same")


def test_then_fewer_trials_at_once() -> None:
    one = fitted([host(EIGHT, 32 * GB)])
    assert (one.placement.max_concurrent_trials, one.placement.loaders) == (5, 1)
    assert one.lines[1].endswith("; --loaders 12 --concurrent 8 takes them all the same")


@pytest.mark.parametrize("options", [Resources(loaders=12, concurrent=8), Resources(loaders=12)])
def test_what_was_asked_for_stays(options: Resources) -> None:
    one = fitted([host(EIGHT, 32 * GB)], options)
    assert one.placement.loaders == 12
    at_once = one.placement.max_concurrent_trials
    assert at_once == (8 if options.concurrent else 2)


def test_too_much_that_was_asked_for_is_warned_of_with_numbers_that_fit() -> None:
    asked = Resources(loaders=12, concurrent=8)
    text = fitted([host(EIGHT, 32 * GB)], asked).warning
    assert text is not None
    assert (
        "w1 would need 74.7 GB (estimate), and Ray ends processes from 30.4 GB of its 32 GB" in text
    )
    assert text.endswith("; --loaders 1 --concurrent 5 would fit")
    assert fitted([host(EIGHT, 32 * GB)], Resources(loaders=1, concurrent=5)).warning is None


def test_several_machines_get_no_more_each_than_they_hold() -> None:
    """Ray may put all trials on one machine; CPUs are what keeps it from that."""
    two = [host(EIGHT, 32 * GB), host(EIGHT, 512 * GB)]
    one = fitted(two)
    assert one.placement.max_concurrent_trials == 10
    assert EIGHT["CPU"] // one.placement.worker["CPU"] == 5
    assert one.warning is None


def test_where_not_even_one_trial_fits_it_is_tried_and_warned_of() -> None:
    one = fitted([host(EIGHT, 8 * GB, used=7 * GB)])
    assert one.placement.max_concurrent_trials == 1
    assert one.warning is not None
    assert "not even one trial at once fits" in one.warning


def test_where_no_process_could_ever_start_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"takes 0\.53 GB of memory before it trains"):
        fitted([host(EIGHT, 0.5 * GB, used=0)])
