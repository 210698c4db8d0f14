"""Dotted settings keys: change a recipe by `weights.ptc=0.3`, read and write recipes as YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn, get_args

import yaml
from pydantic import ValidationError

from toco_core.messages import reason_of, shown
from toco_core.settings import Recipe
from toco_core.settings.keys import check_key, setting_fields, unknown_key
from toco_core.settings.yaml_text import parse_yaml
from toco_core.text_files import decode_text


def apply_overrides(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Return the recipe with some settings replaced; the result is validated as a whole.

    Args:
        recipe: Where the other settings come from; it stays as it is.
        values: Dotted keys and their new values.

    Raises:
        ValueError: One line for each unknown key, wrong type, or value out of range.
    """
    tree = recipe.model_dump()
    for key, value in values.items():
        check_key(key, "settings")
        _refuse_bool(key, value)
        *sections, name = key.split(".")
        place = tree
        for section in sections:
            place = place[section]
        place[name] = value
    return _validated(tree, "settings")


def _refuse_bool(key: str, value: Any) -> None:
    # pydantic would take `weights.ptc=yes` for 1.0 and `data.flip=1` for true
    declared = setting_fields()[key].annotation
    kinds = get_args(declared) or (declared,)  # of `bool | None`, both
    if value is None and NoneType in kinds:
        return
    if isinstance(value, bool) != (bool in kinds):
        wanted = "not a" if isinstance(value, bool) else "a"
        raise ValueError(
            f"settings: {key} is {wanted} true/false setting (was given {shown(value)})"
        )


def parse_override(text: str) -> tuple[str, Any]:
    """Parse `key=value`, the value in YAML, as `--set` takes it.

    Raises:
        ValueError: If there is no `=`, the key is no setting, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text}: expected key=value, such as weights.ptc=0.3")
    check_key(key.strip(), f"--set {text}")
    return key.strip(), parse_yaml(value, f"--set {text}")


def recipe_names() -> list[str]:
    """List the recipes of the package."""
    folder = files("toco_core").joinpath("recipes")
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name_or_path: str) -> Recipe:
    """Load a recipe of the package by name, or any other by the path of its YAML file.

    Raises:
        ValueError: If there is no such recipe, or one line for each thing wrong in it.
    """
    if name_or_path in recipe_names():
        text = files("toco_core").joinpath("recipes", f"{name_or_path}.yaml").read_text("utf-8")
    elif os.path.isfile(name_or_path):  # of any name: Path.is_file fails on one that is too long
        text = decode_text(Path(name_or_path).read_bytes(), name_or_path)
    else:
        known = ", ".join(recipe_names())
        raise ValueError(f"recipe {name_or_path}: neither a file nor one of {known}")
    tree = parse_yaml(text, name_or_path)
    if not isinstance(tree, dict):
        raise ValueError(f"{name_or_path}: a recipe is a mapping of settings, not {shown(tree)}")
    return _validated(tree, name_or_path)


def dump_recipe(recipe: Recipe) -> str:
    """Write every setting as YAML that `load_recipe` reads back into an equal recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def _validated(tree: Mapping[str, Any], source: str) -> Recipe:
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        _raise_readable(error, source)


def _raise_readable(error: ValidationError, source: str) -> NoReturn:
    lines = [_readable(dict(detail), source) for detail in error.errors()]
    raise ValueError("\n".join(lines)) from None


def _readable(detail: dict[str, Any], source: str) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "extra_forbidden" | "invalid_key":
            return unknown_key(key, source)
        # a validator over several settings: its message names keys and values
        case "value_error" if key not in setting_fields():
            return f"{source}: {reason_of(detail['msg'])}"
        case _:
            return (
                f"{source}: {key}: {reason_of(detail['msg'])} (was given {shown(detail['input'])})"
            )
