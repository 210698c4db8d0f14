from __future__ import annotations

from platform.results.trial_rows import TrialRow
from platform.search.faults import Fault
from platform.search.search_summary import fault_findings, prefix_findings


def test_a_search_without_faults_says_nothing_of_them() -> None:
    assert fault_findings([TrialRow(number=0)], []) == []


def test_retries_lost_machines_and_struck_ones_are_said() -> None:
    rows = [TrialRow(number=0, retries=2, machines_lost=1), TrialRow(number=1, retries=1)]
    struck = Fault(kind="error", cause="OSError: no mount", machine="10.0.0.7", node="n")
    assert fault_findings(rows, [struck]) == [
        "Machine 10.0.0.7 was struck off: OSError: no mount.",
        "After faults, trials began again 3 times, 1 of them off a lost machine.",
    ]


def test_what_was_not_trained_again_is_said_where_there_is_some() -> None:
    rows = [TrialRow(number=0, iteration=80_000), TrialRow(number=1, iteration=32_000)]
    assert prefix_findings(rows) == []
    shared = TrialRow(number=2, iteration=16_000, shared_iterations=8000)
    assert prefix_findings([*rows, shared]) == [
        "Prefixes: 8,000 of 128,000 iterations not trained again."
    ]
