"""A machine that does not see what the driver sees is named; on two that do, nothing is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from platform.cluster.places import TOKEN_FILE, UnseenPlaceError, mark_places
from platform.datasets import resolve_dataset
from toco_core.data.reader import open_dataset
from toco_core.remote_path import RemotePath


def test_the_machine_that_wrote_the_token_sees_the_places(scenes: Path, tmp_path: Path) -> None:
    mark_places(tmp_path, str(scenes)).check("here")
    mark_places(tmp_path, "s3://bucket/scenes").check("here")


def test_a_directory_of_the_same_name_on_another_machine_is_noticed(
    scenes: Path, tmp_path: Path
) -> None:
    places = mark_places(tmp_path, str(scenes))
    (tmp_path / TOKEN_FILE).write_text("of another day")
    with pytest.raises(UnseenPlaceError, match=r"machine w1 \(10.0.0.2\) does not see") as caught:
        places.check("w1 (10.0.0.2)")
    assert str(tmp_path) in str(caught.value)
    assert "--reports" in str(caught.value)
    (tmp_path / TOKEN_FILE).unlink()
    with pytest.raises(UnseenPlaceError, match="--reports"):
        places.check("w1")


def test_a_dataset_that_is_not_there_or_another_one_is_noticed(
    scenes: Path, tmp_path: Path
) -> None:
    dataset = tmp_path / "scenes"
    shutil.copytree(scenes, dataset)
    places = mark_places(tmp_path, str(dataset))
    places.check("w1")
    (dataset / "dataset.json").write_text("{}")
    with pytest.raises(UnseenPlaceError, match=f"machine w1 does not see the dataset {dataset}"):
        places.check("w1")
    shutil.rmtree(dataset)
    with pytest.raises(UnseenPlaceError, match="--data"):
        places.check("w1")


def test_a_later_session_has_a_token_of_its_own(scenes: Path, tmp_path: Path) -> None:
    first, second = (mark_places(tmp_path, str(scenes)) for _ in range(2))
    second.check("here")
    with pytest.raises(UnseenPlaceError):
        first.check("here")


def test_on_a_cluster_partscenes_is_drawn_where_all_machines_see_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Path | None] = []

    def ensure(cache: Path | None = None, progress: object = None) -> Path:
        asked.append(cache)
        return Path("/drawn")

    monkeypatch.setattr("platform.datasets.ensure_partscenes", ensure)
    assert resolve_dataset("partscenes", shared=tmp_path) == "/drawn"
    assert resolve_dataset("partscenes") == "/drawn"
    assert asked == [tmp_path / ".datasets", None]


def test_in_an_object_store_it_is_put_once_and_read_there(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RemotePath(f"file://{tmp_path}/store")
    monkeypatch.setattr("platform.datasets.ensure_partscenes", lambda **_: scenes)
    place = resolve_dataset("partscenes", shared=store)
    assert place == f"{store}/.datasets/{scenes.name}"
    assert open_dataset(place).info == open_dataset(scenes).info
    (first, *_) = (store / ".datasets" / scenes.name).glob("*.parquet")
    first.unlink()
    assert resolve_dataset("partscenes", shared=store) == place
    assert first.name not in [path.name for path in (store / ".datasets" / scenes.name).glob("*")]
