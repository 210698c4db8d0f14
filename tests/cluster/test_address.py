"""Addresses at which no Ray is: said at once, where Ray would wait for minutes, deaf to signals."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket

import pytest

from platform.cluster.address import knock_at
from platform.cluster.runtime import start_ray


@contextmanager
def web_server() -> Iterator[int]:
    """Serve on a port, as Ray's dashboard does on 8265."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_where_nobody_answers_it_is_said_at_once(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    start, began = start_ray(tmp_path / "ray.log", address=f"127.0.0.1:{port}"), time.monotonic()
    with pytest.raises(ConnectionError, match=rf"127\.0\.0\.1:{port} .*\(Connection refused\)"):
        start.__enter__()
    assert time.monotonic() - began < 10


def test_a_web_server_is_no_ray() -> None:
    with (
        web_server() as port,
        pytest.raises(ConnectionError, match=f"at port {port} is no Ray: its own is 6379"),
    ):
        knock_at(f"127.0.0.1:{port}")


@pytest.mark.parametrize("setting", ["0", "false", ""])
def test_only_tls_keeps_it_from_asking(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server() as port:
        monkeypatch.setenv("RAY_USE_TLS", setting)
        with pytest.raises(ConnectionError, match="is no Ray"):
            knock_at(f"127.0.0.1:{port}")
        monkeypatch.setenv("RAY_USE_TLS", "1")
        knock_at(f"127.0.0.1:{port}")


@pytest.mark.parametrize("answer", [bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]), b""])
def test_what_speaks_grpc_or_is_busy_is_left_to_ray(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.cluster.address._SECONDS", 0.2)
    with create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        accepted = list[socket]()

        def serve() -> None:
            accepted.append(server.accept()[0])
            accepted[0].sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        knock_at(f"127.0.0.1:{port}")
        thread.join()
        with accepted[0] as client:
            assert client.recv(24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "it was asked"


def test_a_machine_that_there_is_not_is_named() -> None:
    with pytest.raises(ConnectionError, match=r"not known|resolution"):
        knock_at("no-machine.invalid:6379")


@pytest.mark.parametrize(
    "address", ["head", "head:", "head:ray", "head:71915", "head:0", "head:6379/"]
)
def test_what_is_no_address_is_refused(address: str, tmp_path: Path) -> None:
    start = start_ray(tmp_path / "ray.log", address=address)
    with pytest.raises(ValueError, match=f"address '{address}' is not host:port"):
        start.__enter__()


@pytest.mark.parametrize("address", ["auto", "ray://127.0.0.1:10001"])
def test_what_ray_itself_looks_for_is_left_to_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[object]()
    monkeypatch.setattr("socket.create_connection", lambda *where, **_: asked.append(where))
    knock_at(address)
    assert asked == []
