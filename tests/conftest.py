"""What tests of several packages share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from toco_core.data.partscenes.dataset import PartScenes, write_partscenes


class FileByFile(LoadFileScheduling):
    """Share the tests among the processes of pytest-xdist: file by file, and Ray's in one.

    Two Rays at once would wait for each other on two cores, and their clocks run on. The groups
    of pytest-xdist 3.8 (`--dist loadgroup`) are without effect from pytest 9.2 on.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "ray" if _starts_ray(Path(self.config.rootpath, file)) else file


@cache
def _starts_ray(file: Path) -> bool:
    return "pytest.mark.ray" in file.read_text()


@pytest.hookimpl(optionalhook=True)  # where xdist is switched off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileByFile:
    return FileByFile(config, log)


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PartScenes dataset of few pictures."""
    root = tmp_path_factory.mktemp("scenes")
    write_partscenes(root, PartScenes(splits={"train": 32, "tune": 24, "report": 16}))
    return root
