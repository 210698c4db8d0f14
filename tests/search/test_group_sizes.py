from __future__ import annotations

from dataclasses import replace

import pytest
from optuna.storages import InMemoryStorage

from platform.cluster.placement import Placement, Resources
from platform.resource_ranges import Between
from platform.search.faults import Fault
from platform.search.group_sizes import GroupSizes
from tests.search.worlds import opener, small_space
from toco_core.settings.overrides import apply_overrides

FOUR_GPUS: Resources = {"CPU": 16, "GPU": 4}
PLACEMENT = Placement(
    max_concurrent_trials=2,
    driver={"CPU": 0.01},
    workers_per_trial=4,
    worker={"CPU": 2, "GPU": 1},
    sizes=(4, 2),
)
RECIPE = small_space().recipe  # 4 images a step


def sizes_on(up: list[Resources], possible: tuple[Resources, ...] = ()) -> GroupSizes:
    return GroupSizes(Between(2, 4), PLACEMENT, lambda: up, possible)


def test_a_trial_takes_what_the_others_have_left() -> None:
    sizes = sizes_on([{"CPU": 64, "GPU": 6}])
    assert sizes.choose(0, RECIPE, in_work=()) == 4
    assert sizes.choose(1, RECIPE, in_work=(0,)) == 2  # 3 could not share 4 images
    assert sizes.choose(2, RECIPE, in_work=(1,)) == 4  # trial 0 is over


def test_after_a_loss_a_trial_goes_on_with_fewer_and_with_more_once_there_is_room() -> None:
    up: list[Resources] = [{"CPU": 8, "GPU": 2}, {"CPU": 8, "GPU": 2}]
    sizes = sizes_on(up)
    assert sizes.choose(0, RECIPE, in_work=()) == 4
    lost = up.pop()
    assert sizes.choose(0, RECIPE, in_work=()) == 2
    up.append(lost)
    assert sizes.choose(0, RECIPE, in_work=()) == 4


def test_scorers_that_a_lost_machine_held_leave_trials_no_less_than_they_take() -> None:
    placement = replace(PLACEMENT, scorers=3, scorer={"CPU": 4})
    sizes = GroupSizes(Between(2, 4), placement, lambda: [{"CPU": 9, "GPU": 2}])
    assert sizes.choose(0, RECIPE, in_work=()) == 2  # waits: two of the scorers are in its way


def test_what_is_up_is_used_before_more_machines_are_asked_for() -> None:
    head: Resources = {"CPU": 4}
    sizes = sizes_on([head, {"CPU": 8, "GPU": 2}], possible=(FOUR_GPUS,))
    assert sizes.choose(0, RECIPE, in_work=()) == 2
    assert sizes.choose(1, RECIPE, in_work=(0,)) == 4  # on the machine that comes for it
    assert sizes.choose(2, RECIPE, in_work=(0, 1)) == 2  # waits


def test_another_number_of_images_is_shared_among_others() -> None:
    sizes = sizes_on([{"CPU": 64, "GPU": 8}])
    assert sizes.choose(0, apply_overrides(RECIPE, {"data.images_per_step": 6}), ()) == 3


def test_each_attempt_at_a_trial_is_given_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    up: list[Resources] = [{"CPU": 8, "GPU": 2}, {"CPU": 8, "GPU": 2}]
    live = opener(InMemoryStorage(), budget=2, sizes=sizes_on(up))()
    first = live.next()
    assert first is not None
    up.pop()
    live.interrupt(first.number, Fault(kind="machine", cause="the machine was lost"))
    assert live.next() is None  # Ray may still count the machine
    assert live.may_come_back()
    monkeypatch.setattr(live, "_settled_at", 0.0)
    again = live.next()
    assert again is not None
    assert (again.number, first.workers, again.workers) == (first.number, 4, 2)
    second = live.next()
    assert second is not None
    assert second.workers == 2  # there is no room beside the first one: it waits
