from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.runs import finish, train_options


@pytest.fixture(scope="session")
def trained(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished run."""
    reports = tmp_path_factory.mktemp("reports")
    assert finish(train_options(scenes, reports, name="run", settings={"weights__ptc": "0.3"})) == 0
    return reports / "run"
