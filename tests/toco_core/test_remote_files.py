from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from toco_core.data.reader import open_dataset
from toco_core.remote_files import MOST_COPIES, absolute, copies_directory, local_file


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return copies_directory()


def test_a_path_is_the_file_itself(tmp_path: Path, cache: Path) -> None:
    assert local_file(tmp_path / "a.pt") == tmp_path / "a.pt"
    assert not cache.exists()


def test_a_file_in_a_store_is_copied_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    original = tmp_path / "a.pt"
    original.write_bytes(b"first")
    copy = local_file(f"file://{original}")
    assert copy.read_bytes() == b"first"
    inode = copy.stat().st_ino
    assert local_file(f"file://{original}") == copy
    assert copy.stat().st_ino == inode
    original.write_bytes(b"second, and longer")
    assert local_file(f"file://{original}").read_bytes() == b"second, and longer"


def test_of_the_copies_the_latest_are_kept(tmp_path: Path, cache: Path) -> None:
    for number in range(MOST_COPIES + 3):
        original = tmp_path / f"{number}.pt"
        original.write_bytes(b"x" * number)
        os.utime(local_file(f"file://{original}"), (number, number))
    names = {path.name.partition("-")[2] for path in cache.iterdir()}
    assert names == {f"{number}.pt" for number in range(3, MOST_COPIES + 3)}


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("file:///nowhere/a.pt", "there is no file at file:///nowhere/a.pt"),
        ("nosuch://bucket/a.pt", "nosuch://bucket/a.pt: nosuch:// is none of s3://, gs://"),
    ],
)
def test_what_is_not_there_is_named(uri: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        local_file(uri)


@pytest.mark.parametrize("attempt", [local_file, open_dataset])
def test_a_store_that_does_not_answer_is_named_in_seconds(
    attempt: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "endpoint_override=127.0.0.1:9&scheme=http&region=us-east-1"  # listens there
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"s3://b.*cannot be reached: ") as caught:
        attempt(f"s3://b/a.pt?{nobody}")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 40


def test_a_place_holds_in_another_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("a.pt") == str(tmp_path / "a.pt")
    assert absolute("s3://b/a.pt") == "s3://b/a.pt"
