"""What a run costs, counted from its recipe: operations of its matrix products, and memory.

Needs no torch: it is asked before anything starts.
"""

from __future__ import annotations

from toco_core.encoder_size import EncoderSize
from toco_core.scoring.cam_score import CHUNK_IMAGES
from toco_core.settings import Recipe

RUNTIME_BYTES = 800 * 10**6  # of CUDA itself and its libraries in a process
_FLOAT32_BYTES = 4
_ALLOCATOR = 1.5  # what PyTorch's allocator reserves for what is in use
_MOST_CLASSES = 6  # of one image of a chunk
# For each pixel of an image of a step: CAMs, PAR and masks at its size. Measured with PartScenes on
# a CPU, at 64 and 128 px.
_MAP_BYTES = 500


def encoder_operations(size: EncoderSize, side: int) -> float:
    """Count the operations of one pass over an image of `side` px; a product and a sum are two."""
    tokens = (side // size.patch) ** 2 + 1
    weights = size.depth * (4 * size.width**2 + 2 * size.width * size.hidden)
    attention = size.depth * 2 * tokens * size.width  # queries by keys, and weights by values
    embedding = 3 * size.patch**2 * size.width
    return 2.0 * tokens * (weights + attention + embedding)


def score_operations(recipe: Recipe, size: EncoderSize) -> float:
    """Count the operations of scoring the CAMs of one image: each scale, and its mirror image."""
    sides = (int(scale * recipe.data.crop_size) for scale in recipe.cam.scales)
    return 2 * sum(encoder_operations(size, side) for side in sides)


def step_operations(recipe: Recipe, size: EncoderSize) -> float:
    """Count the operations of one image of a training step with all terms in force.

    The passes with gradient (two global views, the local crops, the decoder) count three times; of
    the multi-scale CAM, scale 1 is taken from the training pass.
    """
    view = encoder_operations(size, recipe.data.crop_size)
    crop = encoder_operations(size, recipe.ctc.local_size)
    cells, channels = (recipe.data.crop_size // size.patch) ** 2, recipe.decoder.channels
    decoder = 2.0 * cells * 9 * channels * (size.width + channels)
    with_gradient = 2 * view + recipe.ctc.local_crops * crop + decoder
    return 3 * with_gradient + score_operations(recipe, size) - view


def scoring_bytes(recipe: Recipe, size: EncoderSize) -> float:
    """Estimate the memory of a process that scores on a GPU, from what is alive at its peak.

    That is in the MLP of a block at the largest scale, with every image of a chunk and its mirror.
    """
    side = max(int(scale * recipe.data.crop_size) for scale in recipe.cam.scales)
    tokens = 2 * CHUNK_IMAGES * ((side // size.patch) ** 2 + 1)
    block = tokens * (10 * size.width + 4 * size.hidden)  # sum and norm in float32, rest in 16 bits
    kept = CHUNK_IMAGES * (recipe.data.crop_size // size.patch) ** 2 * size.width * 4 * size.depth
    maps = 2 * CHUNK_IMAGES * 2 * _MOST_CLASSES * recipe.data.crop_size**2 * 4 * 2
    weights = 6 * size.depth * (4 * size.width**2 + 2 * size.width * size.hidden)  # and their cast
    return RUNTIME_BYTES + _ALLOCATOR * (block + kept + maps + weights)


def checkpoint_bytes(recipe: Recipe, size: EncoderSize) -> float:
    """Estimate what a checkpoint takes on the disk: weights, and two moments of each for AdamW."""
    trained, head = _weights(recipe, size)
    return _FLOAT32_BYTES * (3 * trained + head)  # the teacher's head is not trained


def training_bytes(recipe: Recipe, size: EncoderSize, workers: int = 1) -> float:
    """Estimate what a training step holds in float32 at its peak, beside what PyTorch itself takes.

    That is a checkpoint's content, a gradient for each trained weight, and the activations of the
    passes with gradient. It is what a process that trains on a CPU holds.

    Args:
        recipe: of the run.
        size: of its backbone.
        workers: that share the images of a step.
    """
    trained, _ = _weights(recipe, size)
    state = checkpoint_bytes(recipe, size) + _FLOAT32_BYTES * trained
    images = recipe.data.images_per_step / (recipe.compute.parts * workers)
    return state + images * _activation_bytes(recipe, size)


def _activation_bytes(recipe: Recipe, size: EncoderSize) -> float:
    """Estimate what the backward pass of an image needs: of blocks, and of maps of its size."""
    crop, local = recipe.data.crop_size // size.patch, recipe.ctc.local_size // size.patch
    tokens = 2 * (crop**2 + 1) + recipe.ctc.local_crops * (local**2 + 1)
    block = 8 * size.width + size.hidden
    kept = size.depth * size.width + block if recipe.compute.recompute_blocks else None
    numbers = tokens * (kept or size.depth * block)
    return _FLOAT32_BYTES * numbers + _MAP_BYTES * recipe.data.crop_size**2


def _weights(recipe: Recipe, size: EncoderSize) -> tuple[int, int]:
    """Count the weights that are trained, and those among them of the projection head."""
    width, ctc, channels = size.width, recipe.ctc, recipe.decoder.channels
    tokens = (recipe.data.crop_size // size.patch) ** 2 + 1
    encoder = size.depth * (4 * width**2 + 2 * width * size.hidden)
    embedding = 3 * size.patch**2 * width + tokens * width
    decoder = 9 * channels * (width + channels)
    head = ctc.hidden * (width + ctc.hidden + ctc.bottleneck) + ctc.bottleneck * ctc.output
    return encoder + embedding + decoder + head, head
