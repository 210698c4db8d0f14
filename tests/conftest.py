"""What tests of several packages share."""

from __future__ import annotations

import signal
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from toco_core.data.partscenes.dataset import PartScenes, write_partscenes

# A shell's background job and nohup ignore these, and so would every command that a test starts.
for _number, _default in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _default)

LATE = {"test_real_data"}


class FileByFile(LoadFileScheduling):
    """Share the tests among the processes of pytest-xdist: file by file, and Ray's in one.

    Two Rays at once would wait for each other on two cores, and their clocks run on. One file
    is the last of all, for the process that would stand idle while the other ends. The groups
    of pytest-xdist 3.8 (`--dist loadgroup`) are without effect from pytest 9.2 on.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if not _starts_ray(Path(self.config.rootpath, file)):
            return file
        return "late" if Path(file).stem in LATE else "ray"


@cache
def _starts_ray(file: Path) -> bool:
    return "pytest.mark.ray" in file.read_text()


@pytest.hookimpl(optionalhook=True)  # where xdist is switched off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileByFile:
    return FileByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, with the reason, what takes minutes, and what this Python has no package for."""
    reasons: dict[str, str] = {}
    if "cluster" not in config.option.markexpr:
        reasons["cluster"] = "make cluster-test runs it"
    if find_spec("pydensecrf") is None:
        reasons["crf"] = "pydensecrf2 has no release for this Python"
    for item in items:
        for mark, reason in reasons.items():
            if item.get_closest_marker(mark) is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PartScenes dataset of few pictures."""
    root = tmp_path_factory.mktemp("scenes")
    write_partscenes(root, PartScenes(splits={"train": 32, "tune": 24, "report": 16}))
    return root
