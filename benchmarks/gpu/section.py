"""One section of the check, in a process of its own: `benchmarks.gpu` starts it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import torch

from benchmarks.gpu.figures import Figures

if __name__ == "__main__":
    section, out, device, *sizes = sys.argv[1:]
    module = import_module(f"benchmarks.gpu.{section}")
    module.run(Figures(Path(out), section), torch.device(device), tiny=sizes == ["tiny"])
