"""What a training step spends its time on, by kind of operation (torch profiler)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

STEPS = 2
# Kind -> how the names of its operations begin; what is on no list is element-wise work.
KINDS = {
    "matrix products": ("addmm", "mm", "bmm", "baddbmm"),
    "attention": ("_scaled_dot_product", "_softmax"),
    "convolutions": ("mkldnn_convolution", "convolution", "cudnn_convolution"),
    "GELU and layer norm": ("gelu", "native_layer_norm"),
    "sparse sums and sorting": ("_embedding_bag", "sort", "searchsorted", "unique", "scatter"),
    "copies": ("copy_", "cat", "fill_", "gather", "index"),
}


def profile_step(step: Callable[[], object]) -> dict[str, float]:
    """Return the share of each kind of operation in a step's time on the CPU, largest first."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for _ in range(STEPS):
            step()
    shares: Counter[str] = Counter()
    for event in recorded.key_averages():
        shares[_kind(event.key)] += event.self_cpu_time_total
    return {kind: time / shares.total() for kind, time in shares.most_common()}


def _kind(key: str) -> str:
    name = key.removeprefix("aten::")
    if name == key:  # of Python or of autograd, not of a tensor
        return "dispatch"
    kinds = (kind for kind, starts in KINDS.items() if name.startswith(starts))
    return next(kinds, "element-wise and other")
