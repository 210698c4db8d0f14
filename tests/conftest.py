"""What tests of several packages share."""

from __future__ import annotations

from pathlib import Path

import pytest

from toco_core.data.partscenes.dataset import PartScenes, write_partscenes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share the tests among the processes of pytest-xdist: file by file, and Ray's in one.

    Two Rays at once would wait for each other on two cores, and their clocks run on.
    """
    for item in items:
        group = "ray" if item.get_closest_marker("ray") else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PartScenes dataset of few pictures."""
    root = tmp_path_factory.mktemp("scenes")
    write_partscenes(root, PartScenes(splits={"train": 32, "tune": 24, "report": 16}))
    return root
