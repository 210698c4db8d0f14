from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_the_kernels_compute_what_their_versions_in_tensors_do() -> None:
    """Triton's interpreter needs no GPU, but it has to be asked for before Triton is imported."""
    pytest.importorskip("triton", reason="Triton comes with the GPU builds of PyTorch alone")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(HERE / "interpreted_kernels.py")],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        cwd=HERE.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "23 passed" in done.stdout


@pytest.mark.slow
def test_the_kernels_compile_for_an_a100_and_an_h100() -> None:
    """The interpreter takes Python that the compiler refuses; and compiling needs no GPU."""
    pytest.importorskip("triton", reason="Triton comes with the GPU builds of PyTorch alone")
    command = [sys.executable, "-m", "tests.toco_core.kernels.compiled_kernels"]
    done = subprocess.run(command, cwd=HERE.parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 14
