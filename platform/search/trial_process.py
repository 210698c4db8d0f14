"""The process of a trial, as Ray Tune starts it: a run that hears of its end in time to save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.trainable import wrap_function

from platform.cluster import notice


def trial_process(trainable: Callable[..., Any]) -> type[Any]:
    """Return the class for `tune.Tuner` whose objects run a function of a trial's configuration."""
    of_tune: Any = wrap_function(trainable)

    class ImplicitFunc(of_tune):
        """Named after Tune's own, as processes and errors are."""

        def setup(self, config: dict[str, Any]) -> None:
            # The trial runs in a thread, which cannot ask for it. Through the module, since of
            # what a local class names by itself its process would have a copy.
            notice.END_NOTICE.listen_to_sigterm()
            super().setup(config)

        def end_soon(self, why: str) -> None:
            """Have the trial save and end after its step."""
            notice.END_NOTICE.tell(why)

    return ImplicitFunc
