"""Training checkpoints, and the published weights of the authors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import torch
from pydantic import ValidationError
from torch import Tensor

from toco_core.files import replacing
from toco_core.messages import first_refusal
from toco_core.model.toco import ToCo, build_model
from toco_core.remote_path import Place, RemotePath
from toco_core.settings import Recipe
from toco_core.settings.effects import same_until
from toco_core.settings.keys import refused_on_resume
from toco_core.tensor_files import read_torch_file, without_wrappers

FORMAT = "toco training checkpoint"
VERSION = 2

# The authors' names and ours; what is not listed has the same name.
OFFICIAL_PREFIXES = {
    "encoder.": "encoder.vit.",
    "proj_head.last_layer.weight_v": "projection.last_layer.weight",
    "proj_head_t.last_layer.weight_v": "teacher_projection.last_layer.weight",
    "proj_head.": "projection.",
    "proj_head_t.": "teacher_projection.",
}
OFFICIAL_GAIN = ".last_layer.weight_g"
OFFICIAL_UNUSED = "encoder.head."  # the classifier of the pretraining, where a file still has it


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything a run needs to go on as if it had never stopped.

    Attributes:
        trained_on: the labels of a second stage, in words; None for ToCo itself.
    """

    recipe: Recipe
    class_names: tuple[str, ...]  # without background
    iteration: int  # steps done
    model: dict[str, Tensor]
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    scaler: dict[str, Any]  # of the loss, in float16; else empty
    random: dict[str, Any]
    trained_on: str | None = None

    @property
    def position(self) -> int:
        """The number of the next training sample, counted over all workers and epochs."""
        return self.iteration * self.recipe.data.images_per_step

    def require_run(self, recipe: Recipe, class_names: tuple[str, ...]) -> None:
        """Refuse to go on with another recipe or on other classes than those of this checkpoint.

        Raises:
            ValueError: names what differs.
        """
        if self.class_names != class_names:
            raise ValueError(
                f"the checkpoint's classes {', '.join(self.class_names)} are not those of the "
                f"dataset: {', '.join(class_names)}"
            )
        refused = refused_on_resume(self.recipe, recipe)
        if refused:
            raise ValueError(f"a run cannot go on with another recipe: {', '.join(refused)}")

    def forked(self, recipe: Recipe) -> Checkpoint:
        """Return the checkpoint that a run of another recipe has here, to the bit.

        Raises:
            ValueError: the two are not the same run so far.
        """
        same = same_until(self.recipe, recipe)
        if same < self.iteration:
            raise ValueError(
                f"a checkpoint of iteration {self.iteration} is none of a run that differs from "
                f"iteration {same} on"
            )
        return replace(self, recipe=recipe)

    def build_model(self) -> ToCo:
        """Build the trained network; the pretrained weights it started from are not asked for."""
        model = build_model(self.recipe, len(self.class_names), pretrained=False)
        _load(model, self.model, f"checkpoint of recipe {self.recipe.name!r}")
        return model


def save_checkpoint(path: str | Place, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; whoever looks at `path` sees the old file or the whole new one.

    Raises:
        OSError: there is no room for it, or no permission; names `path`.
        StoreError: the object store that `path` is in does not answer.
    """
    if isinstance(path, RemotePath):  # by way of a file: torch goes back and forth in it
        with TemporaryDirectory(prefix="toco-") as directory:
            file = Path(directory) / path.name
            save_checkpoint(file, checkpoint)
            path.upload(file)
        return
    path = Path(path)
    content = {field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}
    content["recipe"] = checkpoint.recipe.model_dump(mode="json")
    if checkpoint.trained_on is None:
        del content["trained_on"]  # so that an earlier version reads it too
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        _save({"format": FORMAT, "version": VERSION, **content}, file)
        file.flush()
        os.fsync(file.fileno())


def _save(content: Mapping[str, Any], file: IO[bytes]) -> None:
    try:
        torch.save(content, file)
    except RuntimeError as error:  # what torch says of its own end, after a write that failed
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def load_checkpoint(path: str | Place) -> Checkpoint:
    """Read a checkpoint from a path or URI; no code in the file is executed.

    Its tensors are on the CPU.

    Raises:
        ValueError: the file is missing, truncated, corrupt, foreign, or of another version.
    """
    content = read_torch_file(path, "training checkpoint")
    if content.pop("format", None) != FORMAT:
        raise ValueError(f"{path} is not a training checkpoint of this package")
    version = content.pop("version", None)
    if version != VERSION:
        raise ValueError(
            f"{path} is a checkpoint of version {version}; this package reads {VERSION}"
        )
    content.setdefault("trained_on", None)  # absent from files of ToCo, and from older ones
    missing = {field.name for field in fields(Checkpoint)} ^ content.keys()
    if missing:
        raise ValueError(f"{path} is damaged: {', '.join(sorted(missing))} missing or unknown")
    try:
        recipe = Recipe.model_validate(content["recipe"])
    except ValidationError as error:
        key, reason = first_refusal(error)
        raise ValueError(f"{path}: its recipe is not valid: {key}: {reason}") from error
    return Checkpoint(**{**content, "recipe": recipe})


def load_official(source: str | Place | Mapping[str, Tensor], model: ToCo) -> ToCo:
    """Load weights published by the authors into a network of the same architecture.

    Args:
        source: their .pth file, or its state dict.
        model: is changed and returned.

    Raises:
        ValueError: a weight is missing, left over or of another shape; names it.
    """
    kind = "official checkpoint"
    weights = source if isinstance(source, Mapping) else read_torch_file(source, kind)
    plain = {
        key: value
        for key, value in without_wrappers(weights).items()
        if not key.startswith(OFFICIAL_UNUSED)
    }
    if plain.get("format") == FORMAT:
        raise ValueError(
            f"{kind}: it is a training checkpoint of this package, which holds its recipe: leave "
            "out --official, --recipe and --set"
        )
    odd = [key for key, value in plain.items() if not isinstance(value, Tensor)]
    if odd:
        raise ValueError(f"{kind}: {odd[0]} is no weight")
    for key, gain in plain.items():
        if key.endswith(OFFICIAL_GAIN) and not torch.all(gain == 1):
            raise ValueError(f"{kind}: {key} is not 1; the projection head's gain is fixed at 1")
    ours = {our_name(k): v for k, v in plain.items() if not k.endswith(OFFICIAL_GAIN)}
    _load(model, ours, kind if isinstance(source, Mapping) else f"{kind} {source}")
    return model


def our_name(key: str) -> str:
    """Return this package's name for a weight of the authors' network."""
    for theirs, ours in OFFICIAL_PREFIXES.items():
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key


def _load(model: ToCo, weights: Mapping[str, Tensor], source: str) -> None:
    own = model.state_dict()
    problems = [f"{key} is missing" for key in own.keys() - weights.keys()]
    problems += [f"{key} is not in this network" for key in weights.keys() - own.keys()]
    problems += [
        f"{key} is {tuple(weights[key].shape)}, not {tuple(own[key].shape)}"
        for key in own.keys() & weights.keys()
        if weights[key].shape != own[key].shape
    ]
    if problems:
        shown = "; ".join(sorted(problems)[:5])
        raise ValueError(f"{source} does not fit the network ({len(problems)} weights): {shown}")
    model.load_state_dict(weights)
