"""Where the kernels, operations and bytes of a GPU's training step go, counted without a GPU.

    python -m benchmarks.counted_step --images 16

The step of the VOC recipe in bfloat16 is run on tensors without content. Each call that is no view
is taken for one kernel that reads what it is given and writes what it returns, once. PAR, the local
crops and the corners of the lattice are left out: on a GPU they are kernels of their own. `ms` is
the least time: operations or bytes at the rates of an H100 that `docs/gpu.md` measured, whichever
takes longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import torch
import tyro
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.floor import ATTENTION_ON_CPU
from benchmarks.made_up_step import MadeUpStep, make_step
from benchmarks.schedules import switch
from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.model import encoder
from toco_core.model.patches import embed_patches, patches_by_convolution, patches_by_product
from toco_core.settings.overrides import apply_overrides
from toco_core.terms.class_contrast import local_crops
from toco_core.terms.refined_labels import refined_labels

OPERATIONS, BYTES = 783e12, 2.99e12  # a second, of an H100
LATTICE = 1 << 17  # places of the lattice of 16 photographs, about
KINDS = {  # of calls, by a part of their names
    "products": ("mm", "convolution", "bmm"),
    "attention": ("scaled_dot_product",),
    "layer norm": ("layer_norm",),
    "GELU": ("gelu",),
    "casts": ("_to_copy",),
    "sums (bias gradients and others)": ("sum",),
    "additions (residuals, gradients)": ("add",),
    "copies": ("clone", "copy", "cat", "stack", "zero", "fill", "full", "constant_pad"),
}
OTHER = "the rest (losses, CAMs)"
NO_KERNEL = ("empty", "detach", "_unsafe_view", "lift_fresh", "set_")


@dataclass(frozen=True)
class Options:
    """Count the kernels, operations and bytes of a GPU's training step."""

    images: int = 16
    backbone: str = "vit_base_patch16_224"
    size: int = 448
    apart: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """encode first and second view one after the other"""
    convolution: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """embed patches by the convolution"""


@dataclass
class Amount:
    """What the calls of one kind take."""

    calls: int = 0
    bytes: float = 0.0


class Counting(TorchDispatchMode):
    """Adds up the calls and bytes of each kind of call."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: defaultdict[str, Amount] = defaultdict(Amount)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if func.namespace == "aten" and not func.is_view and not name.startswith(NO_KERNEL):
            amount = self.kinds[kind_of(name)]
            amount.calls += 1
            amount.bytes += sum(map(_bytes, tree_leaves((args, kwargs, result))))
        return result


def kind_of(name: str) -> str:
    """Return the kind of a call."""
    return next((kind for kind, parts in KINDS.items() if any(p in name for p in parts)), OTHER)


def _bytes(value: object) -> float:
    if not isinstance(value, Tensor):
        return 0.0
    return min(value.numel() * value.element_size(), value.untyped_storage().nbytes())


def count(options: Options) -> tuple[dict[str, Amount], dict[str, float]]:
    """Return the calls and bytes of each kind, and the operations."""
    made = _made(options)
    without_content = FakeTensorMode(allow_non_fake_inputs=True)
    with without_content, embedding(by_product=not options.convolution):
        flops = FlopCounterMode(display=False, custom_mapping=ATTENTION_ON_CPU)
        with Counting() as counting, flops:
            _step(made)
    operations: defaultdict[str, float] = defaultdict(float)
    for op, number in flops.get_flop_counts()["Global"].items():
        operations[kind_of(op.__name__)] += number
    return counting.kinds, operations


def _made(options: Options) -> MadeUpStep:
    made = make_step(options.backbone, options.size, options.images)
    switch(made.model, fused=True, lean=False)
    made.losses.recipe = apply_overrides(made.losses.recipe, {"compute.precision": "bfloat16"})
    made.losses.views_together = not options.apart
    made.losses._network_of_cams(made.batch.images.device)  # of a copy, which needs real weights
    return made


def _step(made: MadeUpStep) -> None:
    images = made.batch.images
    assert made.losses.corners is not None
    lattice = PermutohedralLattice(made.losses.corners(images), LATTICE)
    labels = torch.empty(len(images), *images.shape[-2:], dtype=torch.int64)
    known = {local_crops: made.crops, refined_labels: labels}
    made.losses(made.batch, 0, known, lattice=lattice)["total"].backward()


@contextmanager
def embedding(*, by_product: bool) -> Iterator[None]:
    """Let encoders embed patches meanwhile as on a GPU, or as on a CPU, whatever the device."""
    encoder.embed_patches = patches_by_product if by_product else patches_by_convolution
    try:
        yield
    finally:
        encoder.embed_patches = embed_patches


def main() -> None:
    """Count and print."""
    options = tyro.cli(Options, prog="python -m benchmarks.counted_step", description=__doc__)
    kinds, operations = count(options)
    print(f"{options.backbone}, {options.size} px, {options.images} images, bfloat16")
    print(f"{'':42s}{'kernels':>8s}{'TFLOP':>8s}{'GB':>8s}{'ms':>8s}")
    rows = {name: _row(kinds[name], operations[name]) for name in [*KINDS, OTHER]}
    rows["all"] = tuple(map(sum, zip(*rows.values(), strict=True)))
    for name, (calls, tera, giga, least) in rows.items():
        print(f"{name:42s}{calls:8.0f}{tera:8.2f}{giga:8.1f}{least:8.1f}")


def _row(amount: Amount, operations: float) -> tuple[float, ...]:
    least = max(operations / OPERATIONS, amount.bytes / BYTES)
    return amount.calls, operations / 1e12, amount.bytes / 1e9, 1e3 * least


if __name__ == "__main__":
    main()
