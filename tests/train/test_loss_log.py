from __future__ import annotations

import math
from pathlib import Path

from platform.train.loss_log import LossLog, first_difference, read_losses

ROWS = {1: {"cls": 0.1, "total": 1 / 3}, 2: {"cls": 0.2, "total": math.pi}}


def write(path: Path, rows: dict[int, dict[str, float]], done: int = 0) -> None:
    log = LossLog(path, done)
    for iteration, losses in rows.items():
        log.add(iteration, losses)
    log.flush()


def test_losses_are_read_as_they_were_to_the_bit(tmp_path: Path) -> None:
    write(tmp_path / "losses.jsonl", ROWS)
    assert read_losses(tmp_path / "losses.jsonl") == ROWS


def test_steps_that_are_done_again_replace_what_was_logged(tmp_path: Path) -> None:
    path = tmp_path / "losses.jsonl"
    write(path, ROWS | {3: {"cls": 9.0}})
    write(path, {2: {"cls": 0.5}}, done=1)
    assert read_losses(path) == {1: ROWS[1], 2: {"cls": 0.5}}


def test_a_line_torn_by_a_crash_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "losses.jsonl"
    write(path, ROWS)
    path.write_text(path.read_text()[:-9])
    assert read_losses(path) == {1: ROWS[1]}


def test_the_first_iteration_that_differs_is_named_with_its_losses() -> None:
    other = ROWS | {2: {"cls": 0.2, "seg": 0.1, "total": math.nextafter(math.pi, 4)}}
    difference = first_difference(ROWS, other)
    assert difference is not None
    assert difference.iteration == 2
    assert difference.losses.keys() == {"seg", "total"}
    assert str(difference).startswith("the losses part at iteration 2: seg None -> 0.1, total 3.14")


def test_runs_are_compared_as_far_as_both_go() -> None:
    assert first_difference(ROWS, {1: ROWS[1]}) is None
