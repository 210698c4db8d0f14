"""An object store on this machine, over HTTP: moto's, which the extra `object-store` installs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from pyarrow import fs

from toco_core.remote_path import _opened


@contextmanager
def object_store(log: Path) -> Iterator[str]:
    """Run a store with an empty `bucket`; yield its endpoint, `127.0.0.1:port`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(port, log):
        endpoint = f"127.0.0.1:{port}"
        client(endpoint).create_dir("bucket")
        _opened.cache_clear()  # a process knows one endpoint; here each test file has its own
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


class Cable:
    """Forwards a port to a server's: where it is pulled out, whoever asks is refused.

    What the server holds stays, which moto's would forget if it were ended.
    """

    def __init__(self, server: str) -> None:
        host, _, port = server.partition(":")
        self._server = host, int(port)
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        self.endpoint = f"127.0.0.1:{self._address[1]}"
        self._serve()

    def pull_out(self) -> None:
        """Break off all connections, and accept none."""
        for one in (self._listener, *self._open):
            with suppress(OSError):  # it is over
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def plug_in(self) -> None:
        """Accept connections again."""
        self._listener = socket.create_server(self._address)
        self._serve()

    def _serve(self) -> None:
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # pulled out
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                for ends in ((client, server), (server, client)):
                    Thread(target=_forward, args=ends, daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


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
