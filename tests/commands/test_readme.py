"""What the README says one can type exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import tyro

from platform.compare.options import CompareOptions
from platform.confirm.options import ConfirmOptions
from platform.data.options import DataOptions
from platform.evaluate.options import EvaluateOptions
from platform.export.options import ExportOptions
from platform.search.options import SearchOptions
from platform.train.options import TrainOptions
from toco_core.settings.overrides import apply_overrides, load_recipe, parse_override

README = (Path(__file__).parents[2] / "README.md").read_text()
MODULE = re.compile(r"python -m ([\w.]+)([^`\n#]*)")
OPTIONS: dict[str, Any] = {
    "platform.search": SearchOptions,
    "platform.train": TrainOptions,
    "platform.evaluate": EvaluateOptions,
    "platform.export": ExportOptions,
    "platform.data": DataOptions,
    "platform.confirm": ConfirmOptions,
    "platform.compare": CompareOptions,
}
TYPED = [
    (module, rest.strip())
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for module, rest in MODULE.findall(block)
    if "--help" not in rest
]
OF_OTHERS = {"--help", "--logdir"}  # of every command, and of TensorBoard


@pytest.mark.parametrize(("module", "rest"), TYPED)
def test_a_command_is_understood(module: str, rest: str) -> None:
    assert tyro.cli(OPTIONS[module], args=shlex.split(rest)) is not None


@pytest.mark.parametrize("module", sorted({module for module, _ in MODULE.findall(README)}))
def test_a_module_is_there(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


def test_an_option_is_in_the_help_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    helps = [(module, ()) for module in OPTIONS]
    helps += [("platform.data", (source,)) for source in ("voc", "coco", "folder", "partscenes")]
    for module, arguments in helps:
        with pytest.raises(SystemExit):
            tyro.cli(OPTIONS[module], args=(*arguments, "--help"))
    flag = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
    assert set(flag.findall(README)) - OF_OTHERS <= set(flag.findall(capsys.readouterr().out))


def test_a_setting_can_be_changed_as_shown() -> None:
    shown = re.findall(r"`(?:--set )?([a-z_.]+=[^`]+)`", README)
    assert len(shown) > 4
    changes = [text if "." in text.split("=")[0] else f"compute.{text}" for text in shown]
    recipe = apply_overrides(load_recipe("voc_vit_b"), dict(map(parse_override, changes)))
    assert recipe != load_recipe("voc_vit_b")
