"""Whether somebody answers at the address of a cluster, asked before Ray is."""

from __future__ import annotations

import os
import socket

_SECONDS = 10.0
# RFC 9113, section 3.4: what a client of HTTP/2, and so of gRPC, says first: this and its settings,
# here none. The server answers with its own, a frame of type 4.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_HEADER, _TYPE, _SETTINGS = 9, 3, 4


def knock_at(address: str) -> None:
    """See that a Ray may be at `host:port`; at `auto` and `ray://...` Ray itself looks in time.

    Where nobody answers, or a web server does (the dashboard's port in place of Ray's), Ray waits
    for minutes and hears no signal.

    Raises:
        OSError: nobody answers, somebody else does, or there is no such machine.
        ValueError: that is no address.
    """
    host, _, port = address.rpartition(":")
    if not host and address != "auto":
        raise ValueError(f"address {address!r} is not host:port, ray://host:port or auto")
    if port.isdigit() and "/" not in host:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS) as there:
            if not (os.environ.get("RAY_USE_TLS") or _speaks_grpc(there)):
                raise ConnectionError(f"what answers at port {port} is no Ray: its own is 6379")


def _speaks_grpc(there: socket.socket) -> bool:
    there.sendall(_PREFACE)
    with there.makefile("rb") as answer:
        header = answer.read(_HEADER)
    return len(header) == _HEADER and header[_TYPE] == _SETTINGS
