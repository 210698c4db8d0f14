"""Whether a Ray may be at the address of a cluster, asked before Ray's own client is."""

from __future__ import annotations

import socket

from platform.cluster.ray_internals import uses_tls

_SECONDS = 10.0  # to be connected: a packet that is lost is sent again after 1, 3 and 7 s
# RFC 9113, section 3.4: what a client of HTTP/2, and so of gRPC, says first: this and its settings,
# here none. The server answers with its own, a frame of type 4.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_HEADER, _TYPE, _SETTINGS = 9, 3, 4


def knock_at(address: str) -> None:
    """See that somebody answers at `host:port`, and that it may be a Ray.

    Where nobody answers, or a web server does (the dashboard's port in place of Ray's), Ray waits
    for minutes and hears no signal. It gives up in half a minute by itself at `auto` and `ray://`.

    Raises:
        ConnectionError: nobody answers, somebody else does, or there is no such machine.
        ValueError: that is no address.
    """
    if address == "auto" or "://" in address:
        return
    host, port = _parsed(address)
    try:
        there = socket.create_connection((host, port), timeout=_SECONDS)
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error
    with there:
        if not uses_tls() and _speaks_something_else(there):
            raise ConnectionError(f"what answers at port {port} is no Ray: its own is 6379")


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"address {address!r} is not host:port, ray://host:port or auto")
    return host.strip("[]"), int(port)


def _speaks_something_else(there: socket.socket) -> bool:
    """Whether the answer is not gRPC's; silence is none: a busy head is Ray's to wait for."""
    try:
        there.sendall(_PREFACE)
        with there.makefile("rb") as answer:
            header = answer.read(_HEADER)
    except TimeoutError:
        return False
    return len(header) < _HEADER or header[_TYPE] != _SETTINGS
