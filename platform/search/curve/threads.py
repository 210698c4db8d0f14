"""One BLAS thread for small matrices."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which linear algebra uses one thread.

    A search keeps all cores busy. Threads of BLAS then wait, spinning, for one that is not
    scheduled: a proposal of 30 ms took seconds on two cores. One thread also rounds alike on
    every machine.
    """
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # finds the libraries that are loaded, once
