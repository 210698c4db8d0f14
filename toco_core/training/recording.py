"""Losses and gradients of a step as CUDA graphs: recorded once, then replayed by a single launch.

A step of ViT-B with 4 images is 4,000 kernels, which take a GPU half of the time that a host takes
to ask for them one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.parallel.precision import precision_on
from toco_core.step import ToCoLosses
from toco_core.tensor_lists import zero_all
from toco_core.training.feed import Fed

WARM_UP = 2  # steps of a kind before it is recorded: libraries choose their kernels meanwhile
SMALLEST_LATTICE = 4096
SPARE = 4  # a recorded lattice serves one that is up to so many times smaller


class Kind(NamedTuple):
    """What two steps must have in common to be the same kernels."""

    terms: frozenset[str]  # of the loss
    is_frozen: bool  # the backbone: it has no backward pass
    has_final_cam: bool  # labels are refined from the final CAM
    classes: int  # whose CAMs are made, of each image
    lattice_size: int  # places of the energy's lattice; 0 without one


class Kinds:
    """Tells the kinds of steps apart, as few as will do.

    Args:
        losses: of the run.
    """

    def __init__(self, losses: ToCoLosses) -> None:
        self._losses = losses
        self._sizes: set[int] = set()  # of the lattices so far

    def of(self, fed: Fed, iteration: int) -> Kind:
        """Return the kind of the step over a batch."""
        most = self._losses.model.num_classes
        terms = frozenset(term.name for term in self._losses.objective.in_force(iteration))
        return Kind(
            terms,
            iteration < self._losses.recipe.optimiser.freeze,
            iteration >= self._losses.recipe.stages.final_cam,
            min(power_of_two(fed.batch.most_classes or most), most),
            self._lattice_size(fed.lattice_size) if "energy" in terms else 0,
        )

    def _lattice_size(self, points: int) -> int:
        large_enough = [size for size in self._sizes if points <= size <= SPARE * points]
        size = min(large_enough, default=power_of_two(max(points, SMALLEST_LATTICE)))
        self._sizes.add(size)
        return size


class Recording(NamedTuple):
    """A recorded kind of step."""

    graph: torch.cuda.CUDAGraph
    losses: dict[str, Tensor]  # are written by each replay


def can_record(losses: ToCoLosses, device: torch.device) -> bool:
    """Whether the steps of a run can be recorded: one rank, one part, nothing drawn at random."""
    recipe = losses.recipe
    return (
        recipe.compute.cuda_graphs
        and device.type == "cuda"
        and precision_on(device, recipe) != "float16"  # its scaler reads the gradients in between
        and (losses.world_size, losses.parts) == (1, 1)
        and not recipe.compute.recompute_blocks  # it asks for the state of the random generator
        and not losses.model.encoder.is_stochastic
    )


class RecordedLosses:
    """Computes losses and gradients of steps by replaying a graph for each kind of step.

    A new kind runs twice kernel by kernel before it is recorded. So each step is done once, however
    it is done.

    Args:
        losses: of the run; see `can_record`.
        device: a GPU.
    """

    def __init__(self, losses: ToCoLosses, device: torch.device) -> None:
        self._losses = losses
        self._kinds = Kinds(losses)
        self._seen: Counter[Kind] = Counter()
        self._trained: dict[Kind, list[nn.Parameter]] = {}  # the weights that get a gradient
        self._recordings: dict[Kind, Recording] = {}
        self._gradients: dict[nn.Parameter, Tensor] = {}  # the same memory for all recordings
        self._given: Fed | None = None  # the tensors that all recordings read
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, fed: Fed, iteration: int) -> dict[str, Tensor]:
        """Compute the losses of a batch, and the gradients of weights that have none yet."""
        kind = self._kinds.of(fed, iteration)
        with self._on_own_stream():
            if self._seen[kind] < WARM_UP:
                return self._warm_up(kind, fed, iteration)
            if kind not in self._recordings:
                self._record(kind, self._give(fed), iteration)
            return self._replay(kind, fed)

    def _warm_up(self, kind: Kind, fed: Fed, iteration: int) -> dict[str, Tensor]:
        self._seen[kind] += 1
        losses = self._run(kind, fed, iteration)
        weights = self._losses.parameters()
        self._trained[kind] = [weight for weight in weights if weight.grad is not None]
        return losses

    def _run(self, kind: Kind, fed: Fed, iteration: int) -> dict[str, Tensor]:
        batch, lattice = fed.batch._replace(most_classes=kind.classes), None
        if kind.lattice_size:
            assert fed.corners is not None  # the feed makes them where there is an energy
            lattice = PermutohedralLattice(fed.corners, kind.lattice_size)
        losses = self._losses(batch, iteration, lattice=lattice)
        losses["total"].backward()
        return {name: loss.detach() for name, loss in losses.items()}

    def _record(self, kind: Kind, given: Fed, iteration: int) -> None:
        gradients = self._attach_gradients(kind)
        graph = torch.cuda.CUDAGraph()
        # Another thread pins the next batches meanwhile, which is no part of this.
        mode = {"pool": self._pool, "stream": self._stream, "capture_error_mode": "thread_local"}
        with torch.cuda.graph(graph, **mode):
            zero_all(gradients)
            losses = self._run(kind, given, iteration)
        self._recordings[kind] = Recording(graph, losses)

    def _replay(self, kind: Kind, fed: Fed) -> dict[str, Tensor]:
        self._give(fed)
        recording = self._recordings[kind]
        recording.graph.replay()
        self._attach_gradients(kind)
        values = torch.stack(list(recording.losses.values()))  # the next replay writes over these
        return dict(zip(recording.losses, values.unbind(), strict=True))

    def _give(self, fed: Fed) -> Fed:
        """Copy a batch to the tensors that the recordings read."""
        if self._given is None:
            self._given = fed.clone()
        else:
            self._given.copy_(fed)
        return self._given

    def _attach_gradients(self, kind: Kind) -> list[Tensor]:
        """Let the weights that a kind trains have the gradients that its recording writes."""
        for weight in self._trained[kind]:
            if weight not in self._gradients:
                self._gradients[weight] = torch.zeros_like(weight)
            weight.grad = self._gradients[weight]
        return [self._gradients[weight] for weight in self._trained[kind]]

    @contextmanager
    def _on_own_stream(self) -> Iterator[None]:
        """Work on the stream that is recorded, in order with the one around it."""
        around = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(around)
        with torch.cuda.stream(self._stream):
            yield
        around.wait_stream(self._stream)


def power_of_two(number: int) -> int:
    """Return the smallest power of two that is not less than a positive number."""
    return 1 << (number - 1).bit_length()
