"""A group of DDP workers as Ray Train starts it, but for two things.

Its workers meet at an address of their machine, on one machine the loopback: Ray has torch listen
on all interfaces. And they take SIGTERM for word of their end (`notice.py`).
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import Any, NamedTuple

import ray
import torch.distributed as dist
from ray.train.torch import TorchConfig
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]  # documented

from platform.cluster.notice import END_NOTICE
from platform.cluster.whereabouts import whereabouts

_LOOPBACK = "127.0.0.1"
# By which gloo and NCCL are told the interface of their own connections.
_INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
_OF_RAY: Any = TorchConfig().backend_cls
_served: list[TCPStore] = []  # as long as the process; the process is of one group


class _GroupBackend(_OF_RAY):
    """Ray's own, but for how the workers meet."""

    def on_start(self, worker_group: Any, backend_config: TorchConfig) -> None:
        places = worker_group.execute(whereabouts)
        is_one_machine = len({place.node for place in places}) == 1
        address = _LOOPBACK if is_one_machine else places[0].address
        port = worker_group.execute_single(0, _serve, address)
        seconds, backend = backend_config.timeout_s, backend_config.backend
        joined = [
            worker_group.execute_single_async(
                one, _join, backend, _Seat(address, port, one, len(places), seconds)
            )
            for one in range(len(places))
        ]
        ray.get(joined)


class _Seat(NamedTuple):
    """Where a group meets, and which of its workers this is."""

    address: str
    port: int
    rank: int
    world_size: int
    seconds: float  # that the others are waited for


def _serve(address: str) -> int:
    """Serve the store at which a group meets, at one address of this machine; return the port."""
    listener = socket.create_server((address, 0))
    port = listener.getsockname()[1]
    fd = listener.detach()  # which the store closes
    server = TCPStore(address, port, is_master=True, wait_for_workers=False, master_listen_fd=fd)
    _served.append(server)
    return port


def _join(backend: str, seat: _Seat) -> None:
    """Meet the other workers; in the main thread of a worker, which alone is told of signals."""
    END_NOTICE.listen_to_sigterm()
    if seat.address == _LOOPBACK and (name := _loopback_interface()):
        for variable in _INTERFACES:
            os.environ.setdefault(variable, name)
    timeout, size = timedelta(seconds=seat.seconds), seat.world_size
    store = TCPStore(seat.address, seat.port, size, is_master=False, timeout=timeout)
    dist.init_process_group(backend, store=store, rank=seat.rank, world_size=size, timeout=timeout)


def _loopback_interface() -> str | None:
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in ("lo", "lo0") if name in names), None)


class GroupConfig(TorchConfig):
    """Ray's `TorchConfig` for such a group; its backend must be given."""

    @property
    def backend_cls(self) -> Any:
        return _GroupBackend
