"""Our commands on an object store: that of moto, on this machine, over HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from pyarrow import fs

from platform.cluster.places import TOKEN_FILE, UnseenPlaceError, mark_places
from platform.search.checks import check_options
from platform.search.options import SearchOptions
from platform.train.run_checkpoints import (
    checkpoint_path,
    delete_checkpoints,
    forget_before,
    list_checkpoints,
)
from tests.commands.processes import ENVIRONMENT, ROOT, command
from tests.object_store import client, object_store, variables
from toco_core.checkpoint import load_checkpoint
from toco_core.data.reader import open_dataset
from toco_core.remote_files import StoreError
from toco_core.remote_path import RemotePath, _opened, place

pytest.importorskip("moto", reason="moto is not installed: the extra object-store")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_store(tmp_path_factory.mktemp("moto") / "log") as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def store(endpoint: str) -> fs.S3FileSystem:
    return client(endpoint)


def upload(store: fs.S3FileSystem, directory: Path, name: str) -> None:
    for path in directory.iterdir():
        with store.open_output_stream(f"bucket/{name}/{path.name}") as stream:
            stream.write(path.read_bytes())


def test_a_checkpoint_and_its_dataset_are_read_from_an_object_store(
    trained: Path, endpoint: str, store: fs.S3FileSystem, tmp_path: Path
) -> None:
    data = Path(load_checkpoint(trained / "checkpoint.pt").recipe.data.source)
    upload(store, data, "data")
    with store.open_output_stream("bucket/run/checkpoint.pt") as stream:
        stream.write((trained / "checkpoint.pt").read_bytes())
    scored = ["--data", "s3://bucket/data", "--tasks", "cam", "--images", "4", "--pictures", "0"]
    arguments = ["s3://bucket/run/checkpoint.pt", "--output", str(tmp_path / "out"), *scored]
    done = subprocess.run(
        command("evaluate", *arguments),
        cwd=ROOT,
        env=ENVIRONMENT | variables(endpoint) | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert (content["checkpoint"], content["images"]) == ("s3://bucket/run/checkpoint.pt", 4)
    assert content["dataset"] == "s3://bucket/data"
    assert open_dataset(data).info.splits["report"].images >= 4
    (copy,) = (tmp_path / "cache" / "toco" / "copies").iterdir()
    assert copy.read_bytes() == (trained / "checkpoint.pt").read_bytes()


@pytest.fixture
def environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(endpoint).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_a_bucket_that_is_not_there_is_named_before_a_search_begins() -> None:
    with pytest.raises(StoreError, match=r"s3://nobody/reports.* bucket does not exist") as caught:
        check_options(SearchOptions(reports=place("s3://nobody/reports")))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("environment")
def test_a_run_waits_for_a_store_that_fails(
    store: fs.S3FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toco_core.remote_path._PAUSE_SECONDS", 0.05)
    later = Timer(0.3, lambda: store.create_dir("later"))
    later.start()
    (RemotePath("s3://later", patience=20) / "a.pt").write_bytes(b"whole")
    later.join()
    assert RemotePath("s3://later").files() == ["a.pt"]


@pytest.mark.usefixtures("environment")
def test_what_a_search_keeps_in_a_bucket_is_listed_and_deleted(tmp_path: Path) -> None:
    """Real stores have no directories, and some make empty objects that stand for them."""
    trials = RemotePath("s3://bucket/search/trials")
    (tmp_path / "a.pt").write_bytes(b"x" * 100)
    for number in (1, 2):
        checkpoint_path(trials / f"trial-000{number}", 10).upload(tmp_path / "a.pt")
    delete_checkpoints(trials / "trial-0001")
    delete_checkpoints(trials / "trial-0001")
    assert list_checkpoints(trials / "trial-0001") == []
    (left,) = list_checkpoints(trials / "trial-0002")
    assert left.local_copy().read_bytes() == b"x" * 100
    forget_before(trials / "trial-0002", 20)
    assert trials.files() == []


@pytest.mark.usefixtures("environment")
def test_a_machine_that_does_not_reach_the_store_of_the_driver_is_named(
    monkeypatch: pytest.MonkeyPatch, scenes: Path
) -> None:
    places = mark_places(RemotePath("s3://bucket/proof"), str(scenes))
    places.check("here")
    (RemotePath("s3://bucket/proof") / TOKEN_FILE).write_bytes(b"of another store")
    with pytest.raises(UnseenPlaceError, match="machine w1 does not see s3://bucket/proof as"):
        places.check("w1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    _opened.cache_clear()
    with pytest.raises(UnseenPlaceError, match=r"machine w1: s3://bucket/proof/.* cannot be reach"):
        places.check("w1")
    _opened.cache_clear()
