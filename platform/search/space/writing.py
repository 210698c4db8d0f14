"""A search space as the YAML that `parse_space` reads back."""

from __future__ import annotations

from typing import Any

import yaml

from platform.search.space.parameters import Parameter
from platform.search.space.spaces import SearchSpace


def dump_space(space: SearchSpace) -> str:
    """Write a space, one that was composed of several too, as one file."""
    tree: dict[str, Any] = {
        "description": space.description,
        "parameters": {one.key: _entry(one) for one in space.parameters},
    }
    if space.constraints:
        tree["constraints"] = [condition.text for condition in space.constraints]
    if space.known:
        tree["known"] = [dict(values) for values in space.known]
    return yaml.safe_dump(tree, sort_keys=False)


def _entry(parameter: Parameter) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": parameter.kind}
    if parameter.kind == "category":
        entry["choices"] = list(parameter.choices)
    else:
        entry |= {"low": parameter.low, "high": parameter.high}
        entry |= {"step": parameter.step} if parameter.step is not None else {}
        entry |= {"log": True} if parameter.log else {}
    return entry | ({"when": parameter.when.text} if parameter.when else {})
