"""The search that others are compared with, which a fault befalls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.search_command import TWO_TRIALS, Search, whole_search


@pytest.fixture(scope="session")
def undisturbed(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A search of two trials that nothing befell."""
    return whole_search(scenes, tmp_path_factory.mktemp("undisturbed"), TWO_TRIALS)
