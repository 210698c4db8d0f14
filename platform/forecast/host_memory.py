"""An estimate of the host memory that the processes of a search take.

Counted is what nobody else can have meanwhile, as Ray's monitor and the kernel count: pages of a
process's own and shared memory, not those of libraries and files.
"""

from __future__ import annotations

from dataclasses import dataclass

from platform.cluster.placement import Placement
from toco_core.cost import RUNTIME_BYTES, checkpoint_bytes, scoring_bytes, training_bytes
from toco_core.encoder_size import EncoderSize
from toco_core.settings import Recipe

# Measured by /proc/PID/smaps_rollup (Pss_Anon, Pss_Shmem) in searches on CPUs, with torch 2.14 and
# Ray 2.60.
TRIAL_BYTES = 0.53e9  # torch, timm, Ray, Tune and Train, and no network yet
_SCORER = 0.48e9  # torch and Ray
# Of a group of training workers: the trial's own process, Ray Train's controller, and six small
# processes that these start.
_DRIVER = 1.5e9
# A forked loading process shares what its trial has imported, and a tenth of that it has changed
# soon. A spawned one, which reads an object store, imports torch itself.
_FORKED, _SPAWNED = 0.07e9, 0.42e9
# Of a loading process: two that wait (PyTorch's default), one in work, and what pictures take on
# the way to it. With pictures of 500 x 375 px it took 60 MB more than with those of 64 px.
_BATCHES = 8
_VIEWS = 3  # of an image, in 8 bits
# CUDA and its libraries, Triton and pinned memory. Not measured: what processes of PyTorch on
# NVIDIA's GPUs commonly show.
_CUDA = 2e9


@dataclass(frozen=True, kw_only=True)
class HostUse:
    """Bytes that each process of a search takes on its machine.

    Attributes:
        worker: that trains, without its loading processes.
        loader: of these, beside what it shares with its worker.
        driver: of a trial whose workers train; 0 where it trains itself.
        scorer: an evaluation worker.
    """

    worker: float
    loader: float
    driver: float
    scorer: float


def host_use(
    recipe: Recipe, size: EncoderSize, placement: Placement, kept: float, *, is_local: bool
) -> HostUse:
    """Estimate what the processes of a search take.

    Args:
        recipe: of the trial that takes the most.
        size: of its backbone.
        placement: of its processes.
        kept: bytes of images that a process which reads the training split keeps.
        is_local: whether the dataset is on a disk, and loading processes are forked.
    """
    workers = max(placement.least_workers, 1)
    if placement.gpus_per_trial:  # a checkpoint is read, and written, by way of the host
        computing = _CUDA + checkpoint_bytes(recipe, size)
    else:
        computing = training_bytes(recipe, size, workers)
    batch = recipe.data.images_per_step / workers * _VIEWS * 3 * recipe.data.crop_size**2
    scoring = scoring_bytes(recipe, size) - RUNTIME_BYTES
    return HostUse(
        worker=TRIAL_BYTES + computing + (0 if placement.loaders else kept),
        loader=(_FORKED if is_local else _SPAWNED) + _BATCHES * batch + kept,
        driver=_DRIVER if placement.workers_per_trial else 0.0,
        scorer=_SCORER + kept + (_CUDA if placement.scorer.get("GPU") else scoring),
    )
