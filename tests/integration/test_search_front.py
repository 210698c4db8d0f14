"""A search of two objectives, from its options to its front, and another of it picked."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from pyarrow import parquet

from platform.results.curves import read_curves
from platform.search.report_file import read_report
from platform.search.study import default_storage, open_storage
from tests.integration.search_command import NAME, Search

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.cluster]

ARGUMENTS = ("--concurrent", "2", "--objective", "cam_miou,f1", "--space", "ptc_layer")
ARGUMENTS += ("--pruner", "none", "--trials", "4", "--report")


@pytest.fixture(scope="module")
def both(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A search of four trials that is over."""
    directory = tmp_path_factory.mktemp("both")
    search = Search(data=scenes, directory=directory, arguments=ARGUMENTS)
    session = search.run()
    assert session.wait() == 0, session.output + session.errors
    return search


def test_the_study_has_both_objectives_and_their_front(both: Search) -> None:
    told = {trial.number: trial.values for trial in both.trials()}
    last = {row["number"]: [row["score"], row["f1"]] for row in read_curves(both.results)}
    assert told == last
    storage = open_storage(default_storage(both.results))
    assert len(optuna.load_study(study_name=NAME, storage=storage).directions) == 2
    front = parquet.read_table(both.results / "front.parquet").to_pylist()
    assert [[row["cam_miou"], row["f1"]] for row in front] == [told[r["number"]] for r in front]
    assert any(row["on_front"] for row in front)
    summary = (both.results / "summary.md").read_text()
    assert "mIoU of the final CAM, and the F1 of the image labels" in summary
    assert "The front: CAM mIoU and F1" in summary
    assert "F1, report" in summary
    assert "The front" in (both.results / "report.html").read_text()


def test_another_trial_of_the_front_is_picked(both: Search) -> None:
    front = parquet.read_table(both.results / "front.parquet").to_pylist()
    numbers = [row["number"] for row in front if row["on_front"]]
    first = max(numbers, key=lambda n: next(r["cam_miou_worth"] for r in front if r["number"] == n))
    assert f"Trial {first} of" in (both.results / "best.yaml").read_text()
    other = next((n for n in numbers if n != first), first)
    search = Search(
        data=both.data, directory=both.directory, arguments=(*ARGUMENTS, "--pick", str(other))
    )
    session = search.run()
    assert session.wait() == 0, session.output + session.errors
    assert f"Trial {other} of" in (both.results / "best.yaml").read_text()
    assert other in read_report(both.results)
    search = Search(
        data=both.data, directory=both.directory, arguments=(*ARGUMENTS, "--pick", "99")
    )
    session = search.run()
    assert session.wait() != 0
    assert "--pick 99: that trial is not on the front; these are:" in session.errors
