"""An object store on this machine, over HTTP: moto's, which the extra `object-store` installs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import fs


@contextmanager
def object_store(log: Path) -> Iterator[str]:
    """Run a store with an empty `bucket`; yield its endpoint, `127.0.0.1:port`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(port, log):
        endpoint = f"127.0.0.1:{port}"
        client(endpoint).create_dir("bucket")
        yield endpoint


@contextmanager
def serving(port: int, log: Path) -> Iterator[None]:
    """Run a store at a port; what was in it is forgotten at its end."""
    arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (
        log.open("a") as file,
        subprocess.Popen(arguments, cwd="/", stdout=file, stderr=file, env=os.environ) as server,
    ):
        until = time.monotonic() + 60
        while server.poll() is None and time.monotonic() < until:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        try:
            yield
        finally:
            server.terminate()


def client(endpoint: str) -> fs.S3FileSystem:
    return fs.S3FileSystem(
        access_key="k",
        secret_key="s",
        endpoint_override=endpoint,
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
    )


def variables(endpoint: str) -> dict[str, str]:
    """Return the environment in which `s3://bucket` is that store."""
    return {
        "AWS_ENDPOINT_URL": f"http://{endpoint}",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
