from __future__ import annotations

from io import StringIO

from rich.console import Console

from platform.results.events import TrialEnded
from platform.results.summary import (
    Contender,
    SearchSummary,
    headline,
    summary_markdown,
    summary_renderable,
    top_trials,
)
from platform.results.text_tables import to_rich
from platform.results.trial_rows import TrialRow
from tests.results.streams import (
    LOW_AND_PTC,
    fold_all,
    scored,
    search_started,
    trial_started,
)
from toco_core.data.ledger import MaskLedger

TRIALS = fold_all(
    [
        search_started(),
        *(trial_started(number) for number in range(5)),
        scored(0, 600, 0.40),
        scored(1, 600, 0.43),
        scored(2, 240, 0.50),
        scored(3, 120, 0.60),
        TrialEnded(number=0, state="complete", score=0.40),
        TrialEnded(number=1, state="complete", score=0.43),
        TrialEnded(number=2, state="pruned", score=0.50),
        TrialEnded(number=3, state="failed", score=None),
    ]
).trials


def summary(report: float | None = 0.42) -> SearchSummary:
    default = Contender(
        number=0, params=LOW_AND_PTC, tune=0.40, tune_aux=0.35, report=0.41, report_aux=0.36
    )
    winner = Contender(number=1, params=LOW_AND_PTC, tune=0.43, tune_aux=0.34, report=report)
    masks = MaskLedger()
    masks.record("tune", "search", 160)
    return SearchSummary(
        name="partscenes",
        trials=TRIALS,
        default=default,
        winner=winner,
        seconds=3723,
        masks=masks,
        places={"tables": "runs/a/trials.parquet"},
    )


def test_the_markdown_of_a_whole_summary() -> None:
    assert (
        summary_markdown(summary())
        == """\
# Search partscenes

5 trials: 2 complete, 1 pruned, 1 failed, 1 unfinished, in 1 h 02 min

## Best 3 of 5 trials, CAM mIoU in %

| trial | state | CAM mIoU | aux | bkg | low | ptc |
| :--- | :--- | ---: | ---: | ---: | ---: | ---: |
| 1 | complete | 43.0 | 38.0 | 0.43 | 0.25 | 0.2 |
| 0 | complete | 40.0 | 35.0 | 0.43 | 0.25 | 0.2 |
| 2 | pruned | 50.0 | 45.0 | 0.43 | 0.25 | 0.2 |

## Published configuration and winner

| CAM mIoU in % | tune | tune, aux | report | report, aux |
| :--- | ---: | ---: | ---: | ---: |
| published (trial 0) | 40.0 | 35.0 | 41.0 | 36.0 |
| winner (trial 1) | 43.0 | 34.0 | 42.0 | – |
| gain, points | +3.0 | -1.0 | +1.0 | – |

## Time spent

| on | time |
| :--- | ---: |
| the search | 1 h 02 min |
| training, all trials | 2 min 00 s |
| scoring, all workers | 20 s |

## Masks opened

| split | for | masks |
| :--- | :--- | ---: |
| tune | search | 160 |

## Where things are

| what | where |
| :--- | :--- |
| tables | runs/a/trials.parquet |
"""
    )


def test_the_terminal_shows_the_same_tables() -> None:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(summary_renderable(summary()))
    lines = [line.split() for line in capture.get().splitlines()]
    assert ["gain,", "points", "+3.0", "-1.0", "+1.0", "–"] in lines
    assert ["1", "complete", "43.0", "38.0", "0.43", "0.25", "0.2"] in lines


def test_a_search_without_scores_or_masks_shows_what_it_has() -> None:
    failed = TrialRow(number=0, state="failed", ended=1.0)
    text = summary_markdown(
        SearchSummary(name="a", trials=[failed], default=None, winner=None, seconds=1)
    )
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == ["# Search a", "## Time spent"]
    assert "1 trials: 0 complete, 0 pruned, 1 failed, in 1 s" in text


def test_all_trials_ended_leaves_none_unfinished() -> None:
    done = SearchSummary(name="a", trials=TRIALS[:4], default=None, winner=None, seconds=1)
    assert "unfinished" not in headline(done)


def test_only_so_many_trials_are_listed() -> None:
    assert [row[0] for row in top_trials(TRIALS, count=1).rows] == ["1"]


def test_a_bar_in_a_value_does_not_break_the_markdown() -> None:
    places = {"log": "a|b"}
    text = summary_markdown(
        SearchSummary(name="a", trials=[], default=None, winner=None, seconds=1, places=places)
    )
    assert "| log | a\\|b |" in text


def test_the_best_trials_of_the_embedded_search_fit_into_80_columns() -> None:
    params = {"backbone.aux_layer": -1, "thresholds.low": 0.1, "thresholds.high": 0.6}
    params |= {"weights.ptc": 0.0779, "weights.ctc": 0.109}
    latest = {"aux_score": 0.708, "bkg": 0.58}
    row = TrialRow(number=10, state="complete", params=params, score=0.708, latest=latest)
    table = top_trials([row], worth={10: "70.4±2.0"})
    console = Console(width=80, file=StringIO(), record=True)
    console.print(to_rich(table))
    lines = console.export_text().splitlines()
    assert len(lines) == 3  # the title, the heading, the trial: nothing is broken into two lines
    assert "70.4±2.0" in lines[2]
