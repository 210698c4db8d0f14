"""The budgets for faults, one decision at a time."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from platform.search.faults import Fault, Faults, HasRoom, Kind


def fault(node: str = "a", cause: str = "OSError: no space", kind: Kind = "error") -> Fault:
    return Fault(kind=kind, cause=cause, machine=node, node=node)


def among(*nodes: str) -> HasRoom:
    """Machines that each hold a trial."""

    def has_room(avoided: Collection[str]) -> bool:
        return bool({*nodes} - {*avoided})

    return has_room


def lost(cause: str = "its process was lost") -> Fault:
    return Fault(kind="process", cause=cause)


def test_a_trial_is_tried_again_twice_and_then_left_to_the_next_session() -> None:
    faults = Faults()
    causes = ["killed", "crashed", "killed"]  # no three in a row
    outcomes = [faults.take(3, lost(cause)) for cause in causes]
    assert [(one.goes_on, one.retry) for one in outcomes] == [(True, 1), (True, 2), (False, 0)]
    assert faults.set_aside == {3: lost("killed")}
    assert faults.cause is None


def test_a_score_gives_a_trial_its_retries_back() -> None:
    faults = Faults()
    for _ in range(5):
        assert faults.take(3, lost()).goes_on
        assert faults.take(3, lost()).goes_on
        faults.succeeded(3, "a")
    assert not faults.set_aside


def test_three_equal_faults_without_a_score_end_the_session() -> None:
    faults = Faults()
    outcomes = [faults.take(n, fault(cause=f"OSError: '/r/trial-{n}' is full")) for n in range(3)]
    assert [one.goes_on for one in outcomes] == [True, True, False]
    assert faults.cause is not None
    assert faults.cause.cause == "OSError: '/r/trial-2' is full"


def test_different_faults_do_not_end_it() -> None:
    faults = Faults()
    for number, cause in enumerate(["OSError: full", "ValueError: row", "OSError: full"]):
        faults.take(number, fault(cause=cause))
    assert faults.cause is None


def test_lost_machines_count_nothing_however_many() -> None:
    faults = Faults()
    gone = Fault(kind="machine", cause="machine lost", machine="10.0.0.7")
    outcomes = [faults.take(0, gone) for _ in range(20)]
    assert all(one.goes_on and one.retry == 0 for one in outcomes)
    assert (faults.machines_lost, faults.cause) == (20, None)


def test_a_machine_is_struck_off_after_two_faults_and_they_count_nothing() -> None:
    faults = Faults(among("a", "b"))
    assert not faults.take(0, fault("a")).struck
    assert faults.take(1, fault("a")).struck
    assert faults.avoided(2) == ("a",)
    # what was running there still: a third equal fault ends nothing
    assert faults.take(2, fault("a")).goes_on
    assert faults.cause is None
    assert [faults.take(0, lost()).retry, faults.take(0, lost("x")).retry] == [1, 2]


def test_a_machine_with_scores_in_between_is_not_struck_off() -> None:
    faults = Faults(among("a", "b"))
    faults.take(0, fault("a"))
    faults.succeeded(1, "a")
    assert not faults.take(2, fault("a")).struck


def test_scores_of_other_machines_do_not_save_a_bad_one() -> None:
    faults = Faults(among("a", "b"))
    faults.take(0, fault("a"))
    faults.succeeded(1, "b")
    assert faults.take(2, fault("a")).struck


@pytest.mark.parametrize("order", ["aba", "aab", "abb"])
def test_what_fails_on_two_machines_alike_ends_the_session(order: str) -> None:
    faults = Faults(among("a", "b", "c"))
    for number, node in enumerate(order):
        faults.take(number, fault(node))
    assert faults.cause is not None


def test_the_last_machine_is_never_struck_off() -> None:
    faults = Faults(among("a"))
    outcomes = [faults.take(number, fault("a")) for number in range(3)]
    assert not any(one.struck for one in outcomes)
    assert faults.cause is not None


def test_a_lost_process_says_nothing_of_its_machine() -> None:
    faults = Faults(among("a", "b"))
    killed = Fault(kind="process", cause="killed", machine="a", node="a")
    assert not any(faults.take(number, killed).struck for number in range(2))


def test_a_trial_goes_elsewhere_after_a_fault_if_there_is_an_elsewhere() -> None:
    for machines, avoided in (("ab", ("a",)), ("a", ())):
        faults = Faults(among(*machines))
        faults.take(7, fault("a"))
        assert faults.avoided(7) == avoided
        assert faults.avoided(8) == ()
