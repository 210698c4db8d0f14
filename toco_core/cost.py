"""What a run costs, counted from its recipe: operations of its matrix products, and memory.

Needs no torch: it is asked before anything starts.
"""

from __future__ import annotations

from toco_core.encoder_size import EncoderSize
from toco_core.scoring.cam_score import CHUNK_IMAGES
from toco_core.settings import Recipe

_RUNTIME_BYTES = 800 * 10**6  # of CUDA itself and its libraries in a process
_FLOAT32_BYTES = 4
_ALLOCATOR = 1.5  # what PyTorch's allocator reserves for what is in use
_MOST_CLASSES = 6  # of one image of a chunk


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
    return _RUNTIME_BYTES + _ALLOCATOR * (block + kept + maps + weights)


def checkpoint_bytes(recipe: Recipe, size: EncoderSize) -> float:
    """Estimate what a checkpoint takes on the disk: weights, and two moments of each for AdamW."""
    width, ctc, channels = size.width, recipe.ctc, recipe.decoder.channels
    tokens = (recipe.data.crop_size // size.patch) ** 2 + 1
    encoder = size.depth * (4 * width**2 + 2 * width * size.hidden)
    embedding = 3 * size.patch**2 * width + tokens * width
    decoder = 9 * channels * (width + channels)
    head = ctc.hidden * (width + ctc.hidden + ctc.bottleneck) + ctc.bottleneck * ctc.output
    trained = encoder + embedding + decoder + head
    return _FLOAT32_BYTES * (3 * trained + head)  # the teacher's head is not trained
