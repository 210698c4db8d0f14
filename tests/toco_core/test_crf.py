from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.toco_core.golden_files import assert_golden, golden
from toco_core.crf import DenseCRF

pytestmark = pytest.mark.crf

FILE = golden("crf.npz")
IMAGE, PROBABILITIES = FILE["image"].numpy(), FILE["prob"].numpy()


def test_marginals_match_the_authors() -> None:
    assert_golden(torch.from_numpy(DenseCRF()(IMAGE, PROBABILITIES)), FILE["refined"])


def test_marginals_are_probabilities() -> None:
    np.testing.assert_allclose(DenseCRF()(IMAGE, PROBABILITIES).sum(axis=0), 1, rtol=1e-5)


def test_an_image_of_another_size_or_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be uint8 \(64, 72, 3\)"):
        DenseCRF()(IMAGE[:-1], PROBABILITIES)
    with pytest.raises(ValueError, match="float32"):
        DenseCRF()(IMAGE.astype(np.float32), PROBABILITIES)  # pyright: ignore[reportArgumentType]
