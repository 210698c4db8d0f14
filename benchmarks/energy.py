"""The dense energy on the lattice against the exact sum over all pairs of pixels, and its time.

    python -m benchmarks.energy

The lattice gives the exact sum up to a factor, because its blur stops where no pixel is. A factor
that is the same for all pixels is only another weight of the loss. So the error that matters is
what remains of the filtered probabilities after the best common factor, and the angle between the
two gradients.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.timing import alternate, machine
from toco_core.data.images import decode_image
from toco_core.data.partscenes.dataset import ensure_partscenes
from toco_core.data.reader import open_dataset
from toco_core.images import normalise, to_pixels
from toco_core.losses.energy import DenseEnergyLoss
from toco_core.losses.permutohedral import PermutohedralLattice

CLASSES = 21


class Agreement(NamedTuple):
    """How the lattice compares with the exact sum, on one image."""

    factor: float  # lattice / exact, the best common one
    error: float  # of the filtered values after that factor, relative to their root mean square
    cosine: float  # of the two gradients


def exact_filter(features: Tensor, values: Tensor) -> Tensor:
    """Sum over all pairs: (B, N, d), (B, N, K) -> (B, N, K), in O(N^2) time and memory."""
    return torch.exp(-0.5 * torch.cdist(features, features).square()) @ values


def pixel_features(loss: DenseEnergyLoss, images: Tensor) -> Tensor:
    """Place the pixels of half-size images (B, 3, h, w), 0..255, in space and colour (B, N, 5)."""
    batch, _, height, width = images.shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    place = torch.stack([columns, rows]) / (loss.sigma_xy * loss.scale_factor)
    place = place.expand(batch, -1, -1, -1)
    return torch.cat([place, images / loss.sigma_rgb], dim=1).flatten(2).transpose(1, 2)


def compare(loss: DenseEnergyLoss, images: Tensor, probabilities: Tensor) -> Agreement:
    """Filter the probabilities (1, K, h, w) of a half-size image (1, 3, h, w) in both ways."""
    features = pixel_features(loss, images)
    values = probabilities.flatten(2).transpose(1, 2)  # (1, N, K)
    ours = PermutohedralLattice.around(features).filter(values).double()
    exact = exact_filter(features, values).double()
    factor = float((ours * exact).sum() / exact.square().sum())
    error = float((ours / factor - exact).square().mean().sqrt() / exact.square().mean().sqrt())
    gate = 1 - values.amax(dim=2, keepdim=True).double()  # all labelled, all inside the box
    cosine = F.cosine_similarity((gate * ours).flatten(), (gate * exact).flatten(), dim=0)
    return Agreement(factor, error, float(cosine))


def blobs(side: int, seed: int, classes: int = CLASSES) -> Tensor:
    """Make up smooth probabilities (1, K, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 3 * torch.randn(1, classes, 4, 4, generator=generator)
    size = (side, side)
    return F.interpolate(coarse, size=size, mode="bicubic", align_corners=False).softmax(dim=1)


def scenes(count: int) -> list[Tensor]:
    """Return PartScenes pictures, (1, 3, 64, 64) in 0..255."""
    split = open_dataset(ensure_partscenes()).split("tune")
    rows = (split.row(index) for index in range(count))
    return [to_pixels(decode_image(row.image)).float()[None] for row in rows]


def smooth(side: int, seed: int) -> Tensor:
    """Return an image whose pixels lie close together in colour, (1, 3, side, side) in 0..255."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 255 * torch.rand(1, 3, 4, 4, generator=generator)
    return F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)


def report_error(loss: DenseEnergyLoss, name: str, images: list[Tensor]) -> None:
    """Print the agreement over some images."""
    found = [compare(loss, image, blobs(image.shape[2], seed)) for seed, image in enumerate(images)]
    factors = [one.factor for one in found]
    error, cosine = max(one.error for one in found), min(one.cosine for one in found)
    print(
        f"  {name:<12} factor {min(factors):.2f} to {max(factors):.2f}, error at most "
        f"{100 * error:.1f} %, cosine of the gradients at least {cosine:.4f}"
    )


def report_time(loss: DenseEnergyLoss, side: int, repeats: int) -> None:
    """Print the time of energy and gradient for a crop of twice the side."""
    crop = 2 * side
    images = normalise(smooth(crop, 0).round() + 20 * torch.randn(1, 3, crop, crop))
    labels = torch.zeros(1, crop, crop, dtype=torch.long)
    boxes = torch.tensor([[0, crop, 0, crop]])
    logits = blobs(crop, 0).log().requires_grad_()

    def step() -> None:
        loss(images, logits, labels, boxes).backward()

    times = alternate({"energy": step}, repeats)
    print(f"\nenergy and gradient, {side}x{side}x{CLASSES} (crop {crop} px): {times['energy']}")


def main() -> None:
    """Read the command line, compare, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    loss = DenseEnergyLoss()
    print(f"{machine()}\n\nlattice against the exact sum, {options.images} images of 64x64 px:")
    report_error(loss, "smooth", [smooth(64, seed) for seed in range(options.images)])
    report_error(loss, "PartScenes", scenes(options.images))
    noise = [255 * torch.rand(1, 3, 64, 64) for _ in range(options.images)]
    report_error(loss, "noise", noise)
    report_time(loss, 224, options.repeats)


if __name__ == "__main__":
    main()
