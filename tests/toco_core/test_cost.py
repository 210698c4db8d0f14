from __future__ import annotations

from pathlib import Path

import pytest

from tests.toco_core.small_run import small_recipe
from toco_core.cost import checkpoint_bytes
from toco_core.data.reader import open_dataset
from toco_core.encoder_size import PARTSCENES_SIZE
from toco_core.trainer import Trainer


def test_the_size_of_a_checkpoint_is_known_beforehand(scenes: Path, tmp_path: Path) -> None:
    trainer = Trainer(small_recipe(), open_dataset(scenes))
    trainer.step()  # after which the optimiser has its moments
    trainer.save(tmp_path / "c.pt")
    estimate = checkpoint_bytes(trainer.recipe, PARTSCENES_SIZE)
    assert estimate == pytest.approx((tmp_path / "c.pt").stat().st_size, rel=0.03)
