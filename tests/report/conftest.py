from __future__ import annotations

from pathlib import Path

import pytest

from platform.report.reading import read_search
from platform.report.searched import Searched
from tests.report.made_up import make_search


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reports") / "made-up"
    make_search(path, pictures=True)
    return path


@pytest.fixture(scope="session")
def searched(directory: Path) -> Searched:
    return read_search(directory)
