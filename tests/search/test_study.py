from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.space.checked import CheckedSpace
from platform.search.space.checks import check_space
from platform.search.study import default_storage, open_storage, open_study
from tests.search.worlds import SPACE, opener, small_space
from toco_core.settings.overrides import apply_overrides


def open_in(directory: Path, space: CheckedSpace, **extra: str) -> optuna.Study:
    return open_study(
        open_storage(default_storage(directory)),
        "s",
        space,
        sampler=make_sampler("random", space, seed=0),
        pruner=make_pruner("none", 100),
        extra=extra,
    )


@pytest.mark.parametrize("scheme", ["", "sqlite:///"])
def test_a_study_is_found_again_in_its_storage(scheme: str, tmp_path: Path) -> None:
    url = scheme + str(tmp_path / "deep" / "study.db")
    (tmp_path / "deep").mkdir()
    first = opener(open_storage(url), budget=3)()
    params = [assignment.params for assignment in iter(first.next, None)]
    again = opener(open_storage(url), budget=3)()
    assert [trial.params for trial in again.study.trials] == params


def test_a_new_study_begins_with_the_configurations_to_try_first(tmp_path: Path) -> None:
    space = small_space()
    for _ in range(2):  # opening it again adds nothing
        waiting = open_in(tmp_path, space).get_trials(states=(TrialState.WAITING,))
        fixed = [trial.system_attrs["fixed_params"] for trial in waiting]
        assert fixed == space.starting_points()


@pytest.mark.parametrize(
    ("space", "extra", "message"),
    [
        (small_space(SPACE.replace("high: 1.0", "high: 2.0")), {}, r"range of weights\.ptc: "),
        (small_space(SPACE.replace("0.1]", "0.2]")), {}, "constraints: "),
        (small_space(), {"data set": "voc"}, r"data set: None -> voc\)"),
    ],
)
def test_a_study_that_searches_something_else_is_refused(
    space: CheckedSpace, extra: dict[str, str], message: str, tmp_path: Path
) -> None:
    open_in(tmp_path, small_space())
    with pytest.raises(ValueError, match=message) as caught:
        open_in(tmp_path, space, **extra)
    assert "choose another name" in str(caught.value)


def test_a_study_of_another_recipe_is_refused(tmp_path: Path) -> None:
    space = small_space()
    other = apply_overrides(space.recipe, {"optimiser.lr": 1e-4})
    open_in(tmp_path, space)
    with pytest.raises(ValueError, match=r"recipe optimiser\.lr: 6e-05 -> 0\.0001"):
        open_in(tmp_path, check_space(space.space, other, depth=12))


def test_a_setting_that_is_younger_than_the_study_counts_as_its_default(tmp_path: Path) -> None:
    space = small_space()
    study = open_in(tmp_path, space)
    older = dict(study.user_attrs["setup"])
    del older["recipe compute.cuda_graphs"]
    study.set_user_attr("setup", older)
    open_in(tmp_path, space)
    other = apply_overrides(space.recipe, {"compute.cuda_graphs": False})
    with pytest.raises(ValueError, match=r"recipe compute\.cuda_graphs: True -> False"):
        open_in(tmp_path, check_space(space.space, other, depth=12))


def test_a_study_keeps_to_its_objective_and_an_older_one_to_the_cam(tmp_path: Path) -> None:
    study = open_in(tmp_path, small_space(), objective="cam_miou")
    older = dict(study.user_attrs["setup"])
    del older["objective"]
    study.set_user_attr("setup", older)
    open_in(tmp_path, small_space(), objective="cam_miou")
    with pytest.raises(ValueError, match="objective: cam_miou -> f1"):
        open_in(tmp_path, small_space(), objective="f1")


@pytest.mark.parametrize(
    ("content", "way_out"),
    [
        (b"SQLite format 3\0 and what it holds", "give its URL: sqlite:///"),
        (b"some notes\nwithout an end", "name another file"),
        (b'{"a": 1}', "name another file"),
    ],
)
def test_a_file_that_is_no_journal_is_refused_and_stays_as_it_is(
    content: bytes, way_out: str, tmp_path: Path
) -> None:
    file = tmp_path / "user.db"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"user.db: not a journal of Optuna; {way_out}"):
        open_storage(str(file))
    assert file.read_bytes() == content


def test_a_study_of_someone_else_is_refused(tmp_path: Path) -> None:
    storage = open_storage(default_storage(tmp_path))
    optuna.create_study(storage=storage, study_name="s", direction="maximize").ask()
    with pytest.raises(ValueError, match="not made by this platform"):
        open_in(tmp_path, small_space())


def test_a_line_torn_by_a_crash_does_not_lose_the_study(tmp_path: Path) -> None:
    start = opener(open_storage(default_storage(tmp_path)), budget=4)
    start().next()
    journal = tmp_path / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 5, "wor')
    live = opener(open_storage(default_storage(tmp_path)), budget=4)()
    assert [assignment.number for assignment in iter(live.next, None)] == [0, 1, 2, 3]
    assert journal.read_bytes().startswith(whole)
    assert len(open_in_again(tmp_path)) == 4


def open_in_again(directory: Path) -> list[optuna.trial.FrozenTrial]:
    storage = open_storage(default_storage(directory))
    return optuna.load_study(study_name="made-up", storage=storage).trials


@pytest.mark.parametrize("url", ["nosuch://somewhere/db", "sqlite:////nowhere/at/all.db"])
def test_a_storage_that_does_not_answer_is_named(url: str) -> None:
    with pytest.raises(ValueError, match=f"study storage {url}: "):
        open_storage(url)


def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a journal\nat all\n")
    with pytest.raises(ValueError, match=r"notes\.txt: not a journal"):
        open_storage(str(file))
    assert file.read_text() == "not a journal\nat all\n"
