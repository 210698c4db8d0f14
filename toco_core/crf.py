"""Fully connected CRF, the post-processing of the published segmentations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from toco_core.crf_package import require_crf


@dataclass(frozen=True, kw_only=True)
class DenseCRF:
    """Sharpen class probabilities along the edges of an image (Krähenbühl and Koltun, 2011).

    The defaults are those of the published numbers.
    """

    iterations: int = 10
    spatial_sigma: float = 1.0  # px
    spatial_weight: float = 1.0
    bilateral_sigma: float = 121.0  # px
    bilateral_rgb: float = 5.0  # intensities of 0..255
    bilateral_weight: float = 4.0

    def __call__(
        self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Infer the marginals by mean field.

        Args:
            image: (H, W, 3) uint8.
            probabilities: (K, H, W), sum 1 over K.

        Returns:
            (K, H, W) float32.

        Raises:
            ValueError: the image is not uint8, the sizes differ, or pydensecrf is not installed.
        """
        require_crf()
        import pydensecrf.densecrf as dcrf  # which not every Python has
        from pydensecrf.utils import unary_from_softmax

        classes, height, width = probabilities.shape
        if image.dtype != np.uint8 or image.shape != (height, width, 3):
            raise ValueError(
                f"image {image.dtype} {image.shape} must be uint8 ({height}, {width}, 3), "
                "the size of the probabilities"
            )
        field = dcrf.DenseCRF2D(width, height, classes)
        unary = unary_from_softmax(np.asarray(probabilities, np.float32))  # (K, H * W)
        field.setUnaryEnergy(np.ascontiguousarray(unary))
        field.addPairwiseGaussian(sxy=self.spatial_sigma, compat=self.spatial_weight)
        field.addPairwiseBilateral(
            sxy=self.bilateral_sigma,
            srgb=self.bilateral_rgb,
            rgbim=np.require(image, requirements=["C", "W"]),  # a decoded image is read-only
            compat=self.bilateral_weight,
        )
        marginals = np.array(field.inference(self.iterations), dtype=np.float32)  # (K, H * W)
        return marginals.reshape(classes, height, width)


def crf_labels(pixels: Tensor, probabilities: Tensor) -> Tensor:
    """Sharpen probabilities (K, H, W) along the edges of (3, H, W) uint8: (H, W) int64."""
    marginals = DenseCRF()(pixels.permute(1, 2, 0).cpu().numpy(), probabilities.cpu().numpy())
    return torch.from_numpy(marginals.argmax(axis=0))
