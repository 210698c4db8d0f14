"""Our commands on an object store: that of moto, on this machine, over HTTP."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import fs

from tests.commands.processes import ENVIRONMENT, ROOT, command
from toco_core.checkpoint import load_checkpoint
from toco_core.data.reader import open_dataset

pytest.importorskip("moto", reason="moto, a development dependency, is not installed")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("moto") / "log").open("w")
    arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(arguments, cwd="/", stdout=log, stderr=log, env=ENVIRONMENT) as server:
        until = time.monotonic() + 60
        while server.poll() is None and time.monotonic() < until:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
        server.terminate()


@pytest.fixture(scope="module")
def store(endpoint: str) -> fs.S3FileSystem:
    store = fs.S3FileSystem(
        access_key="k",
        secret_key="s",
        endpoint_override=endpoint,
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
    )
    store.create_dir("bucket")
    return store


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
    variables = {
        "AWS_ENDPOINT_URL": f"http://{endpoint}",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    scored = ["--data", "s3://bucket/data", "--tasks", "cam", "--images", "4", "--pictures", "0"]
    arguments = ["s3://bucket/run/checkpoint.pt", "--output", str(tmp_path / "out"), *scored]
    done = subprocess.run(
        command("evaluate", *arguments),
        cwd=ROOT,
        env=ENVIRONMENT | variables,
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
