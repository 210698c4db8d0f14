"""What a search learns from an earlier one, and what it refuses to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from platform.search.curve.prior_mean import weigh
from platform.search.curve.rows import Observed
from platform.search.curve.scaling import ScoreScale
from platform.search.earlier import EarlierSearch, read_earlier
from platform.search.live_trials import LiveTrials
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.cube import Cube
from platform.search.study import default_storage, open_storage, open_study
from tests.search.worlds import ITERATIONS, SPACE, quality, small_space

HERE = small_space()


def run(
    directory: Path,
    budget: int,
    *,
    space: CheckedSpace = HERE,
    sampler: str = "random",
    earlier: Sequence[EarlierSearch] = (),
    score: Callable[[Params], float] = quality,
    objective: str = "cam_miou",
) -> list[Params]:
    """Run a search without noise into a directory; return what it tried."""
    study = open_study(
        open_storage(default_storage(directory)),
        directory.name,
        space,
        sampler=make_sampler(sampler, space, 0, earlier),
        pruner=make_pruner("none", ITERATIONS),
        extra={"objective": objective},
    )
    live, tried = LiveTrials(study, space, budget=budget, iterations=ITERATIONS), []
    while assignment := live.next():
        tried.append(assignment.params)
        live.record(assignment.number, score(assignment.params), step=ITERATIONS)
        live.finish(assignment.number)
    return tried


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> EarlierSearch:
    directory = tmp_path_factory.mktemp("earlier") / "there"
    run(directory, 30)
    return read_earlier(directory, HERE, "cam_miou")


def observed(score: Callable[[Params], float], count: int = 8) -> list[Observed]:
    rng, cube = np.random.default_rng(3), Cube(HERE)
    tried = [HERE.random(rng) for _ in range(count)]
    features = cube.features(cube.places(tried))
    return [
        Observed(number, features[number], np.ones(1), np.array([score(params)]))
        for number, params in enumerate(tried)
    ]


def test_the_earlier_search_foretells_scores_of_configurations_that_it_never_saw(
    earlier: EarlierSearch,
) -> None:
    trials = observed(quality, count=40)
    foretold = earlier.model.worth(np.stack([one.features for one in trials]))
    assert np.corrcoef(foretold, [one.scores[0] for one in trials])[0, 1] > 0.7


@pytest.mark.parametrize(
    ("score", "low", "high"),
    [
        (quality, 0.5, 1.0),
        (lambda params: -quality(params), 0.0, 0.0),  # all is the other way round here
    ],
)
def test_what_is_found_again_weighs_and_what_is_not_does_not(
    score: Callable[[Params], float], low: float, high: float, earlier: EarlierSearch
) -> None:
    trials = observed(score)
    mean = weigh([earlier.model], trials, ScoreScale.of(np.array([t.scores[0] for t in trials])))
    features = np.stack([one.features for one in trials])
    worth = earlier.model.worth(features)
    weight = float(mean(features)[0] / worth[0])
    assert low <= weight <= high


def test_after_the_known_ones_comes_what_was_best_there(
    earlier: EarlierSearch, tmp_path: Path
) -> None:
    tried = run(tmp_path / "here", 4, sampler="curve", earlier=[earlier])
    assert tried[:2] == HERE.starting_points()
    assert tried[2] == earlier.best
    assert quality(earlier.best) > quality(tried[0])
    assert earlier.best not in (tried[0], tried[1], tried[3])


def test_what_was_best_there_is_not_tried_again_where_it_is_known(tmp_path: Path) -> None:
    recipe, known = HERE.starting_points()
    run(tmp_path / "there", 6, score=lambda params: 0.6 if params == known else 0.4)
    found = read_earlier(tmp_path / "there", HERE, "cam_miou")
    assert found.best == known  # to the last digit: a logarithm there and back would move it
    tried = run(tmp_path / "here", 5, sampler="curve", earlier=[found])
    assert tried[:2] == [recipe, known]
    assert known not in tried[2:]


def test_a_search_learns_what_helps_and_unlearns_what_does_not(
    earlier: EarlierSearch, tmp_path: Path
) -> None:
    alone = max(map(quality, run(tmp_path / "alone", 9, sampler="curve")))
    helped = max(map(quality, run(tmp_path / "helped", 9, sampler="curve", earlier=[earlier])))
    assert helped >= alone - 0.002

    def opposite(params: Params) -> float:
        return -quality(params)

    misled = run(tmp_path / "misled", 12, sampler="curve", earlier=[earlier], score=opposite)
    worst = max(map(opposite, run(tmp_path / "random", 12, score=opposite)))
    assert max(map(opposite, misled)) >= worst - 0.01


def test_nothing_is_learnt_of_what_is_searched_over_another_range(tmp_path: Path) -> None:
    other = SPACE.replace(
        "weights.ptc: {type: float, low: 0.05", "weights.ptc: {type: float, low: 0.1"
    )
    run(tmp_path / "there", 6, space=small_space(other))
    found = read_earlier(tmp_path / "there", HERE, "cam_miou")
    assert set(found.shared) == {"thresholds.low", "thresholds.high", "backbone.aux_layer"}
    assert found.best["weights.ptc"] == HERE.starting_points()[0]["weights.ptc"]
    assert (
        "not weights.ptc (float 0.1 to 1 log there, float 0.05 to 1 log here)" in found.describe()
    )
    one, two = (Cube(HERE).features(Cube(HERE).places([HERE.starting_points()[n]])) for n in (0, 1))
    assert found.model.worth(one) == found.model.worth(two)  # they differ in the weight alone


def test_what_nothing_can_be_learnt_from_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--learn-from .*/none: there is no study\.journal"):
        read_earlier(tmp_path / "none", HERE, "cam_miou")
    for name, content in (("empty", ""), ("broken", "no journal\nat all\n")):
        (tmp_path / name).mkdir()
        Path(default_storage(tmp_path / name)).write_text(content)
        with pytest.raises(ValueError, match=f"/{name}: .*study.journal (has no|cannot be)"):
            read_earlier(tmp_path / name, HERE, "cam_miou")
    run(tmp_path / "few", 2)
    with pytest.raises(ValueError, match="/few: fewer than 3 of its trials have scores"):
        read_earlier(tmp_path / "few", HERE, "cam_miou")
    run(tmp_path / "f1", 4, objective="f1")
    with pytest.raises(ValueError, match="/f1: it maximised f1, and this search cam_miou"):
        read_earlier(tmp_path / "f1", HERE, "cam_miou")
    only = "parameters: {weights.seg: {type: float, low: 0.0, high: 1.0}}"
    run(tmp_path / "apart", 4, space=small_space(only), score=lambda _: 0.5)
    with pytest.raises(ValueError, match="/apart: it searched nothing over the ranges"):
        read_earlier(tmp_path / "apart", HERE, "cam_miou")
