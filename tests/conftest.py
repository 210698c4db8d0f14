"""What tests of several packages share."""

from __future__ import annotations

from pathlib import Path

import pytest

from toco_core.data.partscenes.dataset import PartScenes, write_partscenes


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PartScenes dataset of few pictures."""
    root = tmp_path_factory.mktemp("scenes")
    write_partscenes(root, PartScenes(splits={"train": 32, "tune": 24, "report": 16}))
    return root
