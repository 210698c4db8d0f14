from __future__ import annotations

from pathlib import Path

from rich.console import Console

from platform.report.health.effect import better_card
from platform.report.reading import read_search
from platform.report.verdict import verdict
from platform.results.objectives import find_objective
from platform.results.trial_rows import TrialRow
from platform.search.faults import Fault
from platform.search.search_summary import fault_findings, prefix_findings, print_summary
from platform.search.setup import SearchSetup
from platform.search.worth import record_pick
from tests.report.made_up import make_search
from toco_core.data.reader import open_dataset


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


def test_of_two_objectives_the_summary_has_the_front_and_both_on_both_splits(
    scenes: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "both"
    make_search(directory, 9, objective="cam_miou,f1")
    found = read_search(directory)
    setup = SearchSetup(
        name="both",
        directory=directory,
        space=found.space,
        dataset=str(scenes),
        info=open_dataset(scenes).info,
        objective=find_objective("cam_miou,f1"),
    )
    assert print_summary(setup, found.study, Console(quiet=True)) == 0
    text = (directory / "summary.md").read_text("utf-8")
    assert "maximised the mIoU of the final CAM, and the F1 of the image labels." in text
    assert found.front is not None
    names = ", ".join(map(str, sorted(found.front.numbers)))
    assert f"On the front, where no trial is better in every respect: {names}." in text
    assert f"best.yaml and best.pt hold trial {found.winner} (the highest CAM mIoU)" in text
    assert "| F1, tune | F1, report |" in text
    assert "CAM mIoU: A last score is what its configuration is worth" in text
    assert (directory / "front.parquet").is_file()
    last = found.front.numbers[-1]
    assert last not in (0, found.winner)
    record_pick(found.study, last)
    assert print_summary(setup, found.study, Console(quiet=True)) == 0
    text = (directory / "summary.md").read_text("utf-8")
    assert f"hold trial {last} (picked by --pick)" in text
    assert "is worth more" not in text  # it is worth less in the first objective
    picked = read_search(directory)
    assert picked.winner == last
    said = verdict(picked)
    assert f"Trial {last} was picked off the front" in said.answer
    assert better_card(picked).finding == said.answer
