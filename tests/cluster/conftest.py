"""Tests on made machines take minutes and need root: they run where they are asked for by name."""

from __future__ import annotations

import pytest

MARKER = "cluster"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if MARKER not in config.option.markexpr:
        skipped = pytest.mark.skip(reason="on made machines: make cluster-test")
        for item in items:
            if item.get_closest_marker(MARKER):
                item.add_marker(skipped)
