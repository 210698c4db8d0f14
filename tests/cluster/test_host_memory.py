"""The memory of a machine is that of the nearest limit: a container's, or a Slurm job's in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from platform.cluster.host_memory import group_limits, this_memory

STAT = "anon 1\n{prefix}inactive_file 30\n{prefix}active_file 20\n"


def group(directory: Path, limit: str, used: int, version: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current")
    names = names if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    for name, value in zip(names, (limit, str(used)), strict=True):
        (directory / name).write_text(f"{value}\n")
    (directory / "memory.stat").write_text(STAT.format(prefix="" if version == 2 else "total_"))


@pytest.mark.parametrize(("version", "own"), [(2, "0::/job/step\n"), (1, "4:memory:/job/step\n")])
def test_every_group_above_a_process_counts(tmp_path: Path, version: int, own: str) -> None:
    top = tmp_path if version == 2 else tmp_path / "memory"
    group(top / "job", "1000", 400, version)
    group(top / "job" / "step", "max" if version == 2 else str(2**63), 350, version)
    assert (1000.0, 350.0) in list(group_limits(tmp_path, own))


def test_a_group_that_a_container_does_not_see_is_no_limit(tmp_path: Path) -> None:
    assert list(group_limits(tmp_path, "0::/somewhere/else\n5:cpu:/\n")) == []


def test_this_machine_has_memory_and_a_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < this_memory().used < this_memory().total
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.5")
    memory = this_memory()
    assert memory.most == memory.total / 2
