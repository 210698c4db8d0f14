"""Search spaces as data: load them by name or path, and compose several into one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from platform.search.space.entries import parse_parameter
from platform.search.space.expressions import Condition, parse_condition
from platform.search.space.parameters import Parameter, Value
from toco_core.messages import shown
from toco_core.settings.keys import check_key
from toco_core.settings.yaml_text import parse_yaml
from toco_core.text_files import decode_text

_SECTIONS = {"description": str, "parameters": dict, "constraints": list, "known": list}


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """What is searched: parameters, what must hold between them, and configurations to try first.

    Attributes:
        parameters: In the order of the files; a `when` names only keys that stand before it.
        constraints: Conditions that every configuration meets.
        known: Configurations to try after the recipe's own; keys that one leaves out keep the
            recipe's value.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    constraints: tuple[Condition, ...] = ()
    known: tuple[Mapping[str, Value], ...] = ()

    @property
    def by_key(self) -> dict[str, Parameter]:
        """The parameters by settings key."""
        return {parameter.key: parameter for parameter in self.parameters}


def space_names() -> list[str]:
    """List the spaces that come with the platform."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in files("search_spaces").iterdir()
        if entry.name.endswith(".yaml")
    )


def load_space(*names_or_paths: str) -> SearchSpace:
    """Load one space, or several composed into one.

    Args:
        names_or_paths: Each a name of `space_names()` or the path of a YAML file.

    Raises:
        ValueError: If a file is missing or wrong, or two of them search the same key.
    """
    if not names_or_paths:
        raise ValueError(f"name a search space: one of {', '.join(space_names())}, or a YAML file")
    spaces = [_load_one(name) for name in names_or_paths]
    owners: dict[str, str] = {}
    for parameter in (parameter for space in spaces for parameter in space.parameters):
        if parameter.key in owners:
            both = f"{owners[parameter.key]} and {parameter.source}"
            raise ValueError(f"{parameter.key} is searched by both {both}; drop one of the spaces")
        owners[parameter.key] = parameter.source
    return SearchSpace(
        name="+".join(space.name for space in spaces),
        description="; ".join(space.description for space in spaces),
        parameters=tuple(parameter for space in spaces for parameter in space.parameters),
        constraints=tuple(condition for space in spaces for condition in space.constraints),
        known=tuple(values for space in spaces for values in space.known),
    )


def _load_one(name_or_path: str) -> SearchSpace:
    if name_or_path in space_names():
        text = files("search_spaces").joinpath(f"{name_or_path}.yaml").read_text("utf-8")
        return parse_space(text, name_or_path)
    if os.path.isfile(name_or_path):  # of any name: Path.is_file fails on one that is too long
        content = Path(name_or_path).read_bytes()
        return parse_space(decode_text(content, name_or_path), name_or_path)
    raise ValueError(
        f"search space {name_or_path}: neither a file nor one of {', '.join(space_names())}"
    )


def parse_space(text: str, source: str) -> SearchSpace:
    """Read a search space from YAML.

    Args:
        text: `description`, `parameters: {key: {...}}`, `constraints: [...]`, `known: [{...}]`.
        source: What errors call the file.

    Raises:
        ValueError: In one line, naming `source` and the key or condition that is wrong.
    """
    tree = _checked_sections(parse_yaml(text, source), source)
    entries = tree.get("parameters") or {}
    parameters = tuple(parse_parameter(str(key), entry, source) for key, entry in entries.items())
    if not parameters:
        raise ValueError(f"{source}: parameters is empty, so there is nothing to search")
    conditions = tuple(parse_condition(str(text), source) for text in tree.get("constraints") or [])
    _check_names(parameters, conditions, source)
    return SearchSpace(
        name=Path(source).stem,
        description=str(tree.get("description", "")).strip(),
        parameters=parameters,
        constraints=conditions,
        known=tuple(_known(values, {*entries}, source) for values in tree.get("known") or []),
    )


def _checked_sections(tree: Any, source: str) -> Mapping[str, Any]:
    if not isinstance(tree, Mapping):
        raise ValueError(f"{source}: a search space is a mapping of {', '.join(_SECTIONS)}")
    for name, value in tree.items():
        if name not in _SECTIONS:
            raise ValueError(f"{source}: {name} is not one of {', '.join(_SECTIONS)}")
        if value is not None and not isinstance(value, _SECTIONS[name]):
            raise ValueError(f"{source}: {name} must be a {_SECTIONS[name].__name__}")
    return tree


def _check_names(
    parameters: tuple[Parameter, ...], conditions: tuple[Condition, ...], source: str
) -> None:
    for condition in conditions:
        for name in condition.names:
            check_key(name, f"{source}: {condition.text!r}")
    later = {parameter.key for parameter in parameters}
    for parameter in parameters:
        for name in parameter.when.names if parameter.when else ():
            check_key(name, parameter.where)
            if name in later:
                raise ValueError(f"{parameter.where}: when names {name}, which must stand above it")
        later.discard(parameter.key)


def _known(values: Any, keys: set[str], source: str) -> Mapping[str, Value]:
    if not isinstance(values, Mapping):
        raise ValueError(f"{source}: known holds mappings of keys to values, not {shown(values)}")
    for key in values:
        check_key(str(key), f"{source}: known")
        if key not in keys:
            raise ValueError(f"{source}: known gives {key}, which the space does not search")
    return values
