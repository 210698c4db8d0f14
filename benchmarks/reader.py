"""How fast the reader is: images a second on one core, against torchvision's folder of files.

    python -m benchmarks.reader --images 256 --rounds 7

Both get the same JPEGs of 500 x 375 px, in random order, do the same to them, and return the same
labels. The two take turns, so that what else the machine does falls on both. Our cache holds a
single row group, so that all rows are read in every round, as those of a set that is larger than
the memory. The files of both are in the system's cache. The first round is not counted, except in
the last line: there every round opens the dataset anew, and verifies all checksums.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

import platform
from toco_core.data.augment.cropping import random_crop
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.data.augment.views import training_views
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.data.sampling import ShuffledOrder
from toco_core.data.writer import Row, write_dataset
from toco_core.images import to_pixels
from toco_core.settings import Data

HEIGHT, WIDTH = 375, 500  # px, the most frequent size of VOC
JPEG_QUALITY = 93  # with it these pictures have the 110 kB of an average file of VOC
DATA = Data(crop_size=448)

Transform = Callable[[Image.Image], object]


class Comparison(NamedTuple):
    """Images a second in each round."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ours over theirs, round by round."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]


def decode(image: Image.Image) -> object:
    """Return the pixels of an image."""
    return to_pixels(image)


def crop(image: Image.Image) -> object:
    """Return the pixels of a random crop of 448 px."""
    rng = SampleRandom(image.width)  # the same crop on both sides
    return to_pixels(random_crop(image, DATA.crop_size, DATA.scale_range, rng)[0])


def views(image: Image.Image) -> object:
    """Return the pixels of the three views of a training step."""
    made = training_views(image, DATA, SampleRandom(image.width))
    return [to_pixels(view) for view in (made.first, made.second, made.local_source)]


TRANSFORMS: dict[str, Transform] = {"pixels": decode, "448 px crop": crop, "training views": views}


def draw_photograph(random: np.random.Generator) -> bytes:
    """Draw a JPEG with the spectrum of a photograph (amplitude 1 / frequency), and edges."""
    rows, columns = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]
    amplitude = 1 / np.maximum(np.hypot(rows, columns), 1 / WIDTH)
    channels = [_noise(random, amplitude) for _ in range(3)]
    pixels = 0.8 * channels[0][..., None] + 0.2 * np.stack(channels, axis=-1)  # colours go together
    for _ in range(6):
        top, left = random.integers(0, (HEIGHT - 60, WIDTH - 60)).tolist()
        height, width = random.integers(40, 200, 2).tolist()
        pixels[top : top + height, left : left + width] += random.normal(0, 1, 3)
    eight_bit = np.clip(128 + 50 * pixels, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(eight_bit).save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _noise(random: np.random.Generator, amplitude: np.ndarray) -> np.ndarray:
    phases = np.exp(2j * np.pi * random.random(amplitude.shape))
    noise = np.fft.irfft2(amplitude * phases, (HEIGHT, WIDTH))
    return (noise - noise.mean()) / noise.std()


def write_both(root: Path, images: int) -> float:
    """Write the same photographs as a dataset and as files; return their mean size in kB."""
    random = np.random.default_rng(0)
    rows = [Row(f"{number:06d}", draw_photograph(random), [1]) for number in range(images)]
    write_dataset(root / "parquet", {"train": rows}, class_names=["all"], source="noise")
    (root / "files/all").mkdir(parents=True)
    for row in rows:
        (root / f"files/all/{row.name}.jpg").write_bytes(row.image)
    return statistics.fmean(len(row.image) for row in rows) / 1000


def open_ours(root: Path) -> ParquetSplit:
    """Open the dataset without room for more than a row group."""
    return open_dataset(root / "parquet").split("train", cache_bytes=0)


def read_ours(split: ParquetSplit, transform: Transform, seed: int) -> int:
    """Read an epoch as the training loader does, and return its number of images."""
    order = ShuffledOrder(split.group_sizes, window=split.window, seed=seed)
    for position in range(len(split)):
        row = split.row(order.sample_at(position))
        transform(split.image(row))
        split.class_labels(row)
    return len(split)


def read_theirs(root: Path, transform: Transform, seed: int) -> int:
    """Read an epoch of the folder, and return its number of images."""
    folder = ImageFolder(str(root / "files"), transform, target_transform=one_hot)
    order = ShuffledOrder((len(folder),), window=1, seed=seed)
    for position in range(len(folder)):
        folder[order.sample_at(position)]
    return len(folder)


def one_hot(label: int) -> torch.Tensor:
    """Return the labels in the form that the classification loss takes."""
    present = torch.zeros(1)
    present[label] = 1.0
    return present


def compare(root: Path, transform: Transform, rounds: int, *, anew: bool = False) -> Comparison:
    """Time both in alternation, after a round that is not counted.

    Args:
        root: where `write_both` wrote.
        transform: what is done to each image.
        rounds: epochs of each.
        anew: open our dataset for each round.
    """
    split = open_ours(root)
    speeds = Comparison([], [])
    for number in range(rounds + 1):
        split = open_ours(root) if anew else split
        speeds.ours.append(images_a_second(partial(read_ours, split, transform, number)))
        speeds.theirs.append(images_a_second(partial(read_theirs, root, transform, number)))
    return Comparison(speeds.ours[1:], speeds.theirs[1:])


def images_a_second(read: Callable[[], int]) -> float:
    """Time an epoch, in seconds of a core: others use the machine too."""
    began = time.process_time()
    images = read()
    return images / (time.process_time() - began)


def show(name: str, result: Comparison) -> None:
    """Print a line of the table."""
    ours, theirs = statistics.median(result.ours), statistics.median(result.theirs)
    spread = f"({min(result.ratios):.2f}, {max(result.ratios):.2f})"
    ratio = statistics.median(result.ratios)
    print(f"{name:26} {ours:7.1f} {theirs:7.1f}   {ratio:.2f} {spread}", flush=True)


def main() -> None:
    """Read the command line, measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        size = write_both(root, options.images)
        print(f"{options.images} JPEGs of {WIDTH} x {HEIGHT} px, {size:.0f} kB on average")
        print(f"{options.rounds} rounds; {platform.processor() or platform.machine()}, one core")
        print(f"\n{'images a second':26} {'ours':>7} {'folder':>7}   ratio (smallest, largest)")
        for name, transform in TRANSFORMS.items():
            show(name, compare(root, transform, options.rounds))
        show("448 px crop, first epoch", compare(root, crop, options.rounds, anew=True))


if __name__ == "__main__":
    main()
