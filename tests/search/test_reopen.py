from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from platform.results.objectives import OBJECTIVES
from platform.search.options import SearchOptions
from platform.search.reopen import open_search
from platform.search.setup import SearchSetup, check_dataset
from platform.search.space.checks import check_space
from platform.search.study import default_storage, open_storage
from platform.search.study_setup import CODE
from platform.train.run_checkpoints import checkpoint_path, list_checkpoints
from tests.search.worlds import small_space
from toco_core.data.partscenes.dataset import PartScenes, write_partscenes
from toco_core.remote_path import RemotePath
from toco_core.settings.overrides import apply_overrides


def setup_on(data: str | Path, reports: Path, **settings: object) -> SearchSetup:
    space = small_space()
    changed = apply_overrides(space.recipe, {"data.source": str(data), **settings})
    space = check_space(space.space, changed, space.depth)
    return check_dataset(space, "s", SearchOptions(reports=reports))


def reopen(setup: SearchSetup, *, force: bool = False) -> list[str]:
    """Open the study as a session does; return what is said."""
    said: list[str] = []
    setup.directory.mkdir(parents=True, exist_ok=True)
    open_search(setup, SearchOptions(pruner="none", sampler="random", force=force), said.append)
    return said


def test_a_dataset_may_be_moved_or_named_from_elsewhere(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reopen(setup_on(scenes, tmp_path / "reports"))
    shutil.copytree(scenes, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "moved", "moved", "./moved/"):
        assert reopen(setup_on(path, tmp_path / "reports")) == []


def test_another_dataset_at_the_same_place_is_refused(scenes: Path, tmp_path: Path) -> None:
    data, reports = tmp_path / "data", tmp_path / "reports"
    shutil.copytree(scenes, data)
    reopen(setup_on(data, reports))
    shutil.rmtree(data)
    write_partscenes(data, PartScenes(splits={"train": 32, "tune": 24, "report": 16}, seed=1))
    with pytest.raises(ValueError, match=r"\(content of the dataset: \w+ -> \w+; .*--force"):
        reopen(setup_on(data, reports))


@pytest.mark.parametrize("what", ["recipe", "code"])
def test_what_differs_is_refused_and_goes_on_by_force(
    what: str, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = setup_on(scenes, tmp_path)
    reopen(setup)
    if what == "recipe":
        setup, shown = setup_on(scenes, tmp_path, **{"optimiser.lr": 1e-4}), "recipe optimiser.lr"
    else:
        monkeypatch.setattr("platform.search.setup.code_digest", lambda: "changed")
        shown = CODE
    with pytest.raises(ValueError, match=rf"begun with something else \({shown}: .*--force"):
        reopen(setup)
    (line,) = reopen(setup, force=True)
    assert line.startswith("warning: --force goes on")
    assert shown in line
    assert reopen(setup) == []  # from now on it is this


def test_another_objective_is_refused_even_by_force(scenes: Path, tmp_path: Path) -> None:
    setup = setup_on(scenes, tmp_path)
    reopen(setup)
    other = replace(setup, objective=OBJECTIVES["f1"])
    for force in (False, True):
        with pytest.raises(ValueError, match=r"searches something .*\(objective: cam_miou -> f1\)"):
            reopen(other, force=force)


def test_checkpoints_of_a_trial_that_a_store_has_no_record_of_are_deleted(
    scenes: Path, tmp_path: Path
) -> None:
    """The driver died in the seconds before it had put there that the trial has begun."""
    store = RemotePath(f"file://{tmp_path}/store/s")
    setup = replace(setup_on(scenes, tmp_path), store=store)
    reopen(setup)
    assert setup.trials_directory == store / "trials"
    study = optuna.load_study(
        study_name="s", storage=open_storage(default_storage(setup.directory))
    )
    study.ask()
    for number in (0, 1):
        checkpoint_path(store / "trials" / f"trial-000{number}", 5).write_bytes(b"")
    reopen(setup)
    assert store.files() == ["trials/trial-0000/iteration-000005.pt"]
    default = Path(default_storage(setup.directory))
    default.unlink()
    with pytest.raises(ValueError, match=r"file://.*/trials holds checkpoints of trials that the"):
        reopen(setup)
    reopen(setup, force=True)
    assert store.files() == []


def test_trials_without_their_study_are_not_taken_for_others(scenes: Path, tmp_path: Path) -> None:
    setup = setup_on(scenes, tmp_path)
    checkpoint = checkpoint_path(setup.directory / "trials" / "trial-0001", 5)
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"of another study")
    with pytest.raises(ValueError, match=r"study\.journal removed\?\): put it back.*--force"):
        reopen(setup)
    assert list_checkpoints(checkpoint.parent) == [checkpoint]
    (line,) = reopen(setup, force=True)
    assert "are deleted" in line
    assert not (setup.directory / "trials").exists()


def test_a_study_in_a_database_is_of_one_directory(scenes: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"

    def start(reports: str, *, force: bool = False) -> list[str]:
        setup, said = setup_on(scenes, tmp_path / reports), list[str]()
        options = SearchOptions(pruner="none", sampler="random", study=url, force=force)
        open_search(setup, options, said.append)
        return said

    assert start("first") == start("first") == []
    with pytest.raises(ValueError, match=rf"'s' belongs to the search in {tmp_path}/first/s: "):
        start("second")
    assert "goes on here" in "".join(start("second", force=True))
    assert start("second") == []
