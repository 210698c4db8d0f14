"""A search that trains common prefixes once finds what one that trains everything finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.integration.search_command import Search

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.cluster]

SPACE = "parameters: {weights.seg: {type: float, low: 0.02, high: 0.5, log: true}}"
FORK = 5  # where the segmentation begins, behind the scores at 2 and 4


@pytest.fixture
def arguments(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "seg.yaml").write_text(SPACE)
    space = ("--space", str(tmp_path / "seg.yaml"), "--set", f"stages.segmentation={FORK}")
    return (*space, "--trials", "3", "--concurrent", "1", "--pruner", "none")


def test_trials_that_share_a_prefix_score_as_those_that_do_not_also_after_a_crash(
    scenes: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    alone = Search(data=scenes, directory=tmp_path / "alone", arguments=arguments)
    shared = Search(data=scenes, directory=tmp_path / "shared", arguments=arguments)
    whole = alone.run("--no-share-prefixes")
    assert whole.wait() == 0, whole.output + whole.errors
    first = shared.start()
    first.wait_for(f"trial 1  goes on from {FORK}/10")
    first.kill()
    assert len(list((shared.results / "prefixes").iterdir())) == 1
    last = shared.run()
    assert last.wait() == 0, last.output + last.errors

    scores = [
        {(row["number"], row["iteration"]): row["score"] for row in read_curves(search.results)}
        for search in (alone, shared)
    ]
    assert scores[0] == scores[1]
    rows = read_trials(shared.results)
    assert [row.shared_iterations for row in rows] == [0, FORK, FORK]
    assert [row.totals["mask_reads"] for row in rows] == [40, 24, 24]  # 5 scores, or the last 3
    assert "Prefixes: 10 of 30 iterations not trained again." in last.output
    assert not (shared.results / "prefixes").exists()
    assert {row.shared_iterations for row in read_trials(alone.results)} == {0}
