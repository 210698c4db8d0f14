"""Weights of a backbone: from the package, from the hub, or from a file."""

from __future__ import annotations

import importlib.resources
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import huggingface_hub
import safetensors.torch
import timm
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn
from torch import Tensor

from toco_core.tensor_files import read_torch_file

HUB_TIMEOUT_SECONDS = 5.0
HUB_FILE = "model.safetensors"


def load_weights(vit: VisionTransformer, path: str | Path) -> VisionTransformer:
    """Load a .safetensors, .pth or .bin file of timm's names into `vit`, and return `vit`.

    A classification head in the file is left out, and a position embedding of another grid is
    resized.

    Raises:
        ValueError: the file is missing, is not a file of weights, or does not fit.
    """
    weights = checkpoint_filter_fn(_read(Path(path)), vit)
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


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"no file of backbone weights at {path}; {_ways_out(None)}")
    if path.suffix != ".safetensors":
        return read_torch_file(path, "file of backbone weights")
    try:
        return safetensors.torch.load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from error


def _is_head(key: str) -> bool:
    return key.startswith(("head.", "head_dist.", "fc_norm."))


def _ways_out(other: str | None) -> str:
    first = f"backbone.weights={other}, " if other else ""
    return f"use {first}backbone.weights=<a .safetensors or .pth file> or backbone.weights=random"


def _few(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more if names else "none"
