"""A group of DDP workers as Ray Train starts it, with two things of ours.

Each worker takes SIGTERM for word of its end, which only the main thread of a process can ask for.
"""

from __future__ import annotations

from typing import Any

from ray.train.torch import TorchConfig

from platform.cluster.notice import END_NOTICE

_TORCH_BACKEND: Any = TorchConfig().backend_cls


class _GroupBackend(_TORCH_BACKEND):
    def on_start(self, worker_group: Any, backend_config: Any) -> None:
        worker_group.execute(_listen)
        super().on_start(worker_group, backend_config)


def _listen() -> None:
    END_NOTICE.listen_to_sigterm()


class GroupConfig(TorchConfig):
    """Ray's `TorchConfig`, for workers that heed SIGTERM."""

    @property
    def backend_cls(self) -> Any:
        return _GroupBackend
