"""Weights of a backbone: from the package, from the hub, or from a file."""

from __future__ import annotations

import importlib.resources
import os
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import huggingface_hub
import safetensors.torch
import timm
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn
from torch import Tensor

from toco_core.messages import first_line
from toco_core.remote_files import local_file
from toco_core.tensor_files import read_torch_file, without_wrappers

HUB_TIMEOUT_SECONDS = 5.0
HUB_FILE = "model.safetensors"


def load_weights(vit: VisionTransformer, path: str | Path) -> VisionTransformer:
    """Load a .safetensors, .pth or .bin file of timm's names, by path or URI; return `vit`.

    A classification head in the file is left out, a position embedding of another grid is resized,
    and it may be of a network that was wrapped for training on several devices.

    Raises:
        ValueError: the file is missing, is not a file of weights, or does not fit.
    """
    weights = _of_timm(_read(path), vit, path)
    own = vit.state_dict()
    weights = {key: value for key, value in weights.items() if key in own or not _is_head(key)}
    odd = sorted(own.keys() ^ weights.keys())
    odd += [key for key in own.keys() & weights.keys() if own[key].shape != weights[key].shape]
    if odd:
        raise ValueError(f"weights {path} do not fit the backbone: {_few(odd)}")
    vit.load_state_dict(weights)
    return vit


def embedded_weights(name: str) -> Path:
    """Return the path of the weights that the package ships for the backbone `name`.

    Raises:
        ValueError: it ships none.
    """
    path = Path(str(importlib.resources.files("toco_core") / "weights" / f"{name}.safetensors"))
    if not path.is_file():
        shipped = sorted(file.stem for file in path.parent.glob("*.safetensors"))
        raise ValueError(
            f"the package holds no weights for backbone {name!r} (it has: {_few(shipped)}); "
            + _ways_out("timm" if timm.is_model(name) else None)
        )
    return path


def hub_weights(name: str) -> Path:
    """Return the local file of timm's weights for `name`, downloaded unless it is in the cache.

    The cache is asked first, and the hub is knocked at once before the client's own retries, which
    take three quarters of a minute where there is no network.

    Raises:
        ValueError: timm publishes no weights of this name, or the hub cannot be reached.
    """
    config = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    if config is None or config.hf_hub_id is None:
        raise ValueError(f"timm has no weights for backbone {name!r}; {_ways_out('embedded')}")
    cached = huggingface_hub.try_to_load_from_cache(config.hf_hub_id, HUB_FILE)
    if isinstance(cached, str):
        return Path(cached)
    try:
        _require_hub()
        return Path(huggingface_hub.hf_hub_download(config.hf_hub_id, HUB_FILE))
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise ValueError(
            f"cannot download the weights of backbone {name!r} from {config.hf_hub_id} ({error}); "
            + _ways_out(None)
        ) from error


def _require_hub() -> None:
    endpoint = huggingface_hub.constants.ENDPOINT
    with suppress(urllib.error.HTTPError):  # an answer, whatever it says, is a hub that is there
        urllib.request.urlopen(endpoint, timeout=HUB_TIMEOUT_SECONDS).close()


def _read(place: str | Path) -> dict[str, Any]:
    path = local_file(place)
    if not os.path.isfile(path):  # of any name: Path.is_file fails on one that is too long
        raise ValueError(f"no file of backbone weights at {path}; {_ways_out(None)}")
    if path.suffix != ".safetensors":
        return read_torch_file(place, "file of backbone weights")
    try:
        return safetensors.torch.load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{place} is not a readable safetensors file: {error}") from error


def _of_timm(
    content: dict[str, Any], vit: VisionTransformer, path: str | Path
) -> dict[str, Tensor]:
    """Return the weights in a file by timm's names and in its shapes."""
    for name in ("model", "state_dict"):  # of a training; in this order, as timm
        if isinstance(content.get(name), dict):
            content = content[name]
    try:
        converted = checkpoint_filter_fn(without_wrappers(content), vit)
    # It takes what it is given for what it looks like.
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"weights {path} do not fit the backbone: {first_line(error)}") from error
    odd = [key for key, value in converted.items() if not isinstance(value, Tensor)]
    if odd:
        raise ValueError(f"weights {path} do not fit the backbone: no tensors: {_few(odd)}")
    return converted


def _is_head(key: str) -> bool:
    return key.startswith(("head.", "head_dist.", "fc_norm."))


def _ways_out(other: str | None) -> str:
    first = f"backbone.weights={other}, " if other else ""
    return f"use {first}backbone.weights=<a .safetensors or .pth file> or backbone.weights=random"


def _few(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more if names else "none"
