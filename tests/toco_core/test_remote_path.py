"""Files in a store, here that of a `file://` URI: the code is that of every store."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from toco_core.remote_files import StoreError
from toco_core.remote_path import RemotePath, place


@pytest.fixture
def store(tmp_path: Path) -> RemotePath:
    return RemotePath(f"file://{tmp_path}/store")


def test_a_place_is_a_path_or_a_uri(tmp_path: Path) -> None:
    assert place(str(tmp_path)) == tmp_path
    assert place("s3://bucket/a") == RemotePath("s3://bucket/a")


def test_parts_are_joined_before_the_options_of_a_store() -> None:
    path = RemotePath("s3://bucket/reports/?region=eu-west-1") / "a b" / "é.pt"
    assert path.uri == "s3://bucket/reports/a%20b/%C3%A9.pt?region=eu-west-1"
    assert path.name == "é.pt"
    assert path.parent == RemotePath("s3://bucket/reports/a%20b?region=eu-west-1")


def test_what_is_uploaded_is_listed_read_and_deleted(store: RemotePath, tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    file.write_bytes(b"of this machine")
    target = store / "é 1" / "a.pt"
    target.upload(file)
    (store / "b.json").write_bytes(b"{}")
    assert store.files() == ["b.json", "é 1/a.pt"]
    assert store.glob("*") == [store / "b.json"]
    assert (store / "é 1").glob("*.pt") == [target]
    assert target.read_bytes() == b"of this machine"
    assert target.local_copy().read_bytes() == b"of this machine"
    (store / "b.json").download(tmp_path / "b.json")
    assert (tmp_path / "b.json").read_text() == "{}"
    target.unlink()
    assert store.files() == ["b.json"]
    store.remove()
    store.remove()
    assert store.files() == []


def test_what_is_not_there_is_no_fault_of_the_store(store: RemotePath, tmp_path: Path) -> None:
    assert store.files() == []
    for ask in ((store / "a").read_bytes, (store / "a").unlink):
        with pytest.raises(FileNotFoundError):
            ask()
    (store / "a").unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        (store / "a").upload(tmp_path / "nothing")


def test_a_directory_is_removed_later_where_there_is_a_bin(store: RemotePath) -> None:
    thrown = list[RemotePath]()
    kept = RemotePath(store.uri, bin=thrown.append) / "trials"
    (kept / "a").write_bytes(b"")
    kept.remove()
    assert thrown == [kept]
    assert kept.files() == ["a"]
    thrown[0].remove()
    assert kept.files() == []


def test_age_is_told_by_the_clock_of_the_store(store: RemotePath, tmp_path: Path) -> None:
    for name, written in (("old", 1000.0), ("new", 1060.0)):
        (store / name).write_bytes(b"")
        os.utime(tmp_path / "store" / name, (written, written))
    assert (store / "old").age(store / "new") == pytest.approx(60.0)


def test_a_store_that_does_not_answer_is_named_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    nobody = "endpoint_override=127.0.0.1:9&scheme=http&region=us-east-1"
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"s3://b/r/a.* cannot be reached: ") as caught:
        (RemotePath(f"s3://b/r?{nobody}") / "a").write_bytes(b"")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 30
