"""LCBench: learning curves of any configuration of a small network, by a published surrogate.

Zimmer, Lindauer and Hutter (2021), Auto-PyTorch Tabular; the surrogate is that of YAHPO Gym
(Pfisterer et al., 2022): the folder `lcbench` of github.com/slds-lmu/yahpo_data (Apache-2.0),
with `model.onnx` and `encoding.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search_quality.world import Array, StartedSpace
from platform.search.space.parameters import Parameter, Value
from platform.search.space.spaces import SearchSpace
from toco_core.settings.overrides import apply_overrides, load_recipe

EPOCHS = 52
# in the order of the surrogate's inputs, after the epoch
PARAMETERS = (
    Parameter(key="batch_size", kind="int", low=16, high=512, log=True),
    Parameter(key="learning_rate", kind="float", low=1e-4, high=0.1, log=True),
    Parameter(key="momentum", kind="float", low=0.1, high=0.99),
    Parameter(key="weight_decay", kind="float", low=1e-5, high=0.1),
    Parameter(key="num_layers", kind="int", low=1, high=5),
    Parameter(key="max_units", kind="int", low=64, high=1024, log=True),
    Parameter(key="max_dropout", kind="float", low=0.0, high=1.0),
)
# What a paper might publish: of 20,000 random configurations the one of the lowest mean regret over
# eleven tasks (126026, 167104, 167161, 167184, 167200, 168330, 168868, 189354, 189866, 189906,
# 34539), on which therefore no search that begins with it says anything.
PUBLISHED: Mapping[str, Value] = {
    "batch_size": 42,
    "learning_rate": 0.0718063193,
    "momentum": 0.8952630479,
    "weight_decay": 0.0008402544,
    "num_layers": 5,
    "max_units": 298,
    "max_dropout": 0.0703842643,
}


@dataclass(frozen=True)
class FreeSpace(StartedSpace):
    """The parameters of LCBench, which no recipe knows: all are feasible."""

    def is_feasible(self, params: object) -> bool:
        return True


class Surrogate:
    """Validation accuracy, 0..1, of any configuration of any task after any epoch.

    Args:
        data: the folder with `model.onnx` and `encoding.json`.

    Raises:
        ValueError: a file or the package onnxruntime is missing.
    """

    def __init__(self, data: Path) -> None:
        for name in ("model.onnx", "encoding.json"):
            if not (data / name).is_file():
                raise ValueError(f"--data {data}: there is no {name} in it")
        if find_spec("onnxruntime") is None:
            raise ValueError("the surrogate needs onnxruntime: pip install onnxruntime")
        self._data = data
        codes = json.loads((data / "encoding.json").read_text())["OpenML_task_id"]
        self._codes: dict[str, int] = {task: code for task, code in codes.items() if code}

    iterations = EPOCHS

    @property
    def tasks(self) -> list[str]:
        """The tasks that it knows."""
        return list(self._codes)

    def space(self, *, published: bool) -> FreeSpace:
        """Return the space; the recipe lends nothing but the length of a training."""
        recipe = apply_overrides(load_recipe("voc_vit_b"), {"iterations": EPOCHS})
        space = SearchSpace(name="lcbench", description="LCBench", parameters=PARAMETERS)
        return FreeSpace(space, recipe, 12, (dict(PUBLISHED),) if published else ())

    @cached_property
    def _session(self) -> Any:
        onnxruntime = import_module("onnxruntime")  # an extra of this benchmark

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(str(self._data / "model.onnx"), options)

    def accuracy(
        self, task: str, configurations: Sequence[Mapping[str, Value]], iterations: Sequence[int]
    ) -> Array:
        """Return the accuracy of N configurations after S epochs, (N, S)."""
        values = [[float(one[p.key]) for p in PARAMETERS] for one in configurations]
        inputs = np.repeat(np.array(values), len(iterations), axis=0)
        inputs = np.column_stack([np.tile(iterations, len(values)), inputs]).astype(np.float32)
        code = np.full((len(inputs), 1), self._codes[task], np.int32)
        (answers,) = self._session.run(None, {"x_cat": code, "x_cont": inputs})
        return answers[:, 1].astype(float).reshape(len(values), len(iterations)) / 100
