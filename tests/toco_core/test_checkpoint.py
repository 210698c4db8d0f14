from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.toco_core.golden_files import assert_golden, golden
from tests.toco_core.official_network import official_state_dict, untrained_network
from tests.toco_core.small_run import small_recipe
from toco_core.cam.multi_scale import multi_scale_cam
from toco_core.checkpoint import Checkpoint, load_checkpoint, load_official, save_checkpoint
from toco_core.model.toco import build_model
from toco_core.random_state import capture_random_state
from toco_core.settings import Recipe


def checkpoint(recipe: Recipe | None = None) -> Checkpoint:
    recipe = recipe or small_recipe()
    return Checkpoint(
        recipe=recipe,
        class_names=("bird", "boat", "bus"),
        iteration=5,
        model=build_model(recipe, num_classes=3).state_dict(),
        optimiser={"state": {0: {"step": torch.tensor(5.0)}}, "param_groups": []},
        schedule={"last_epoch": 5},
        scaler={},
        random=capture_random_state(),
    )


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    saved = checkpoint()
    save_checkpoint(tmp_path / "run.pt", saved)
    loaded = load_checkpoint(tmp_path / "run.pt")
    assert loaded.recipe == saved.recipe
    assert loaded.position == 5 * saved.recipe.data.images_per_step
    assert same(vars(loaded), vars(saved))


def test_the_trained_network_is_built_from_the_file_alone(tmp_path: Path) -> None:
    # The weights that the run started from are gone, and not needed.
    saved = checkpoint()
    started = small_recipe(backbone__weights="/gone/vit.safetensors")
    save_checkpoint(tmp_path / "run.pt", Checkpoint(**{**vars(saved), "recipe": started}))
    model = load_checkpoint(tmp_path / "run.pt").build_model()
    assert same(model.state_dict(), saved.model)


def test_an_interrupted_writing_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.pt"
    save_checkpoint(path, checkpoint())
    before = path.read_bytes()

    def full_disk(_: Any, file: Any) -> None:
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(path, checkpoint())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def damaged(path: Path, how: str) -> None:
    save_checkpoint(path, checkpoint())
    content = path.read_bytes()
    match how:
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("this is no checkpoint")
        case "flipped":
            middle = len(content) // 2
            path.write_bytes(
                content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
            )
        case "list":
            torch.save([1, 2], path)
        case "foreign":
            torch.save({"model": {}}, path)
        case "code":
            torch.save({"format": Path}, path)
        case "missing":
            path.unlink()


@pytest.mark.parametrize(
    "how", ["truncated", "empty", "text", "flipped", "list", "foreign", "code", "missing"]
)
def test_what_is_no_checkpoint_is_named_in_one_line(tmp_path: Path, how: str) -> None:
    path = tmp_path / "run.pt"
    damaged(path, how)
    with pytest.raises(ValueError, match=r"run\.pt") as error:
        load_checkpoint(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 3}, "of version 3; this package reads 2"),
        ({"surprise": 1}, "surprise missing or unknown"),
        ({"recipe": {"seed": -1}}, "its recipe is not valid: seed"),
    ],
)
def test_content_that_cannot_be_used_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "run.pt"
    save_checkpoint(path, checkpoint())
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
def test_official_weights_are_loaded_from_a_file(tmp_path: Path, prefix: str) -> None:
    official = official_state_dict()
    torch.save({prefix + key: value for key, value in official.items()}, tmp_path / "toco.pth")
    ours = load_official(tmp_path / "toco.pth", untrained_network()).state_dict()
    assert len(ours) == len([key for key in official if "weight_g" not in key])
    assert torch.equal(ours["encoder.vit.cls_token"], official["encoder.cls_token"])
    theirs = official["proj_head_t.last_layer.weight_v"]
    assert torch.equal(ours["teacher_projection.last_layer.weight"], theirs)


@pytest.mark.parametrize(
    ("content", "message"),
    [({1: torch.zeros(1)}, "its keys are no names"), ({"epoch": 3}, "epoch is no weight")],
)
def test_a_file_that_holds_no_weights_is_named(
    tmp_path: Path, content: dict[Any, Any], message: str
) -> None:
    torch.save(content, tmp_path / "toco.pth")
    with pytest.raises(ValueError, match=message):
        load_official(tmp_path / "toco.pth", untrained_network())


@torch.no_grad()
def test_a_file_of_the_authors_gives_their_numbers(tmp_path: Path) -> None:
    weights = {f"module.{key}": value for key, value in official_state_dict().items()}
    weights["module.encoder.head.weight"] = torch.zeros(1000, 48)  # of no use to ToCo
    torch.save(weights, tmp_path / "toco.pth")
    model = load_official(tmp_path / "toco.pth", untrained_network()).eval()
    given = golden("forward.npz")
    output = model(given["images"])
    for ours in ("cls", "cls_aux", "seg", "tokens", "cam_raw", "cam_aux_raw"):
        assert_golden(getattr(output, ours), given[ours])
    cams = multi_scale_cam(model, given["images"], (1.0, 0.5, 1.5))
    for cam, theirs in zip(cams, ("cam", "cam_aux"), strict=True):
        assert_golden(cam, given[theirs])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("classifier.weight", None, "classifier.weight is missing"),
        ("extra.weight", torch.zeros(1), "extra.weight is not in this network"),
        (
            "decoder.conv8.weight",
            torch.zeros(9, 512, 1, 1),
            r"conv8.weight is \(9, 512, 1, 1\), not",
        ),
        ("proj_head.last_layer.weight_g", torch.full((1024, 1), 2.0), "gain is fixed at 1"),
    ],
)
def test_official_weights_that_do_not_fit_are_named(
    key: str, value: torch.Tensor | None, message: str
) -> None:
    weights = official_state_dict()
    weights.pop(key, None)
    if value is not None:
        weights[key] = value
    with pytest.raises(ValueError, match=message):
        load_official(weights, untrained_network())
