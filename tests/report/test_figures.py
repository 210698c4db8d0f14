"""The numbers of the figures, computed again from the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import spearmanr

from platform.report.figures.all_figures import make_drawings
from platform.report.figures.drawing import Drawing
from platform.report.figures.front import front_figure
from platform.report.figures.render import render
from platform.report.figures.style import ROLES
from platform.report.importance import Importance, importance
from platform.report.mask_worth import mask_worth
from platform.report.reading import read_search
from platform.report.searched import Searched
from tests.report.made_up import CLASSES, make_search

Table = list[dict[str, Any]]


@pytest.fixture(scope="module")
def trials(directory: Path) -> Table:
    return pq.read_table(directory / "trials.parquet").to_pylist()


@pytest.fixture(scope="module")
def scores(directory: Path) -> Table:
    return pq.read_table(directory / "curves.parquet").to_pylist()


@pytest.fixture(scope="module")
def found(searched: Searched) -> Importance:
    shares = importance(searched)
    assert shares
    return shares


@pytest.fixture(scope="module")
def drawings(searched: Searched, found: Importance) -> dict[str, Drawing]:
    return dict(make_drawings(searched, found, mask_worth(searched)))


def column(drawing: Drawing, name: str) -> list[Any]:
    place = list(drawing.numbers.columns).index(name)
    return [row[place] for row in drawing.numbers.rows]


def test_every_figure_is_there(drawings: dict[str, Drawing]) -> None:
    assert len(drawings) == 12


def test_history_is_the_table_of_trials(drawings: dict[str, Drawing], trials: Table) -> None:
    history = drawings["history"]
    assert column(history, "last score") == [row["score"] for row in trials]
    assert column(history, "state") == [row["state"] for row in trials]
    so_far = [row["score"] if row["state"] == "complete" else 0 for row in trials]
    assert column(history, "best so far") == list(np.maximum.accumulate(so_far))


def test_learning_curves_are_the_table_of_scores(
    drawings: dict[str, Drawing], scores: Table
) -> None:
    rows = [(row["number"], row["iteration"], row["score"]) for row in scores]
    assert drawings["learning_curves"].numbers.rows == rows


def test_thresholds_are_the_curves_of_the_last_scores(
    drawings: dict[str, Drawing], searched: Searched, scores: Table
) -> None:
    for name, number in searched.contenders().items():
        last = [row for row in scores if row["number"] == number][-1]
        assert column(drawings["thresholds"], name) == last["curve"]
    assert column(drawings["thresholds"], "threshold")[45] == pytest.approx(0.45)


def test_classes_stand_beside_their_iou(
    drawings: dict[str, Drawing], searched: Searched, scores: Table
) -> None:
    last = [row for row in scores if row["number"] == searched.winner][-1]
    by_name = dict(zip(["background", *CLASSES], last["class_iou"], strict=True))
    figure = drawings["class_iou"]
    assert dict(zip(column(figure, "class"), column(figure, "winner"), strict=True)) == by_name


def test_the_correlation_of_tokens_and_scores_is_spearmans(
    drawings: dict[str, Drawing], scores: Table
) -> None:
    last = {row["number"]: row for row in scores}.values()
    scores_of = [row["score"] for row in last]
    found = column(drawings["token_similarity"], "rank correlation with the score")
    for block in range(3):
        expected: Any = spearmanr([row["token_similarity"][block] for row in last], scores_of)
        assert found[block] == pytest.approx(expected.statistic)
    assert found[0] == pytest.approx(-1)  # they fall as the score rises, by construction


def test_cost_adds_up(drawings: dict[str, Drawing], scores: Table) -> None:
    training = sum(row["seconds_training"] for row in scores)
    assert sum(column(drawings["cost"], "training, s")) == pytest.approx(training)


def test_leads_are_those_of_the_judgement(drawings: dict[str, Drawing], searched: Searched) -> None:
    leads = column(drawings["leads"], "lead over the recipe")
    assert leads == sorted(leads, reverse=True)
    assert set(column(drawings["leads"], "trial")) == searched.judgement.lead.keys() - {0}


def test_importances_are_shares(found: Importance) -> None:
    for shares in (found.fanova, found.ped_anova):
        assert sum(shares.values()) == pytest.approx(1)
    assert all(0 <= found.low[key] <= found.high[key] <= 1 for key in found.order)


def test_a_drawing_has_the_colours_of_the_page_and_no_name_of_another(
    drawings: dict[str, Drawing], tmp_path: Path
) -> None:
    rendered = render(drawings["leads"], tmp_path)
    assert "var(--winner)" in rendered.wide
    assert not any(colour in rendered.wide for colour in ROLES)
    assert 'role="img"' in rendered.wide
    assert "points</title>" in rendered.wide
    assert 'id="leads-' in rendered.wide
    assert (tmp_path / "leads.png").read_bytes().startswith(b"\x89PNG")
    assert render(drawings["leads"], tmp_path).narrow == rendered.narrow  # the same in every run


def test_the_front_of_two_objectives_is_drawn_and_listed(tmp_path: Path) -> None:
    make_search(tmp_path / "both", 9, objective="cam_miou,f1")
    found = read_search(tmp_path / "both")
    drawing = front_figure(found)
    assert found.front is not None
    assert drawing is not None
    front = [row[0] for row in drawing.numbers.rows if "on the front" in str(row[1])]
    assert front == found.front.numbers
    assert len(front) > 1  # the objectives disagree
    taken = [row[0] for row in drawing.numbers.rows if "taken" in str(row[1])]
    assert taken == [found.winner]
    picture = render(drawing, tmp_path).wide
    assert "CAM mIoU" in picture
    assert "F1" in picture
