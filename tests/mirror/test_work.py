"""A command's session on directories of a store, here a `file://` one, from start to status."""

from __future__ import annotations

from pathlib import Path

import pytest

from platform.command_line import FAILED, INTERRUPTED
from platform.lock import is_held
from platform.mirror.files import working_directory
from platform.mirror.work import work_in_stores
from toco_core.remote_path import RemotePath


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.mirror.lock._SETTLE_SECONDS", 0.0)
    monkeypatch.setattr("platform.mirror.session._LAST_SECONDS", 0.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_all_of_it_is_worked_on_by_one_process_and_put_there(tmp_path: Path) -> None:
    said = list[str]()
    stores = [RemotePath(f"file://{tmp_path}/store/{name}") for name in ("a", "b")]

    def work(given: list[RemotePath]) -> int:
        assert [str(one) for one in given] == [str(one) for one in stores]
        for store in stores:
            assert is_held(working_directory(store))
            (working_directory(store) / "losses.csv").write_text(store.name)
        return INTERRUPTED

    assert work_in_stores(stores, "run", said.append, work) == INTERRUPTED
    assert [(store / "losses.csv").read_bytes() for store in stores] == [b"a", b"b"]
    assert said == [f"the run is kept in {store}" for store in stores]
    assert not any(is_held(working_directory(store)) for store in stores)


@pytest.mark.parametrize(("status", "returned"), [(0, FAILED), (INTERRUPTED, INTERRUPTED)])
def test_what_could_not_be_put_there_is_no_success(
    status: int, returned: int, tmp_path: Path
) -> None:
    said, store = list[str](), RemotePath(f"file://{tmp_path}/store/a")

    def work(_: list[RemotePath]) -> int:
        (working_directory(store) / "losses.csv").write_text("1")
        (tmp_path / "store").rename(tmp_path / "away")
        (tmp_path / "store").write_text("no directory")
        return status

    assert work_in_stores([store], "run", said.append, work) == returned
    (line,) = said  # and none that it is kept there
    assert "not put there: losses.csv" in line
