"""YAML as the settings are written in it: 1e-4 is a number, and a key given twice is an error."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.reader import ReaderError

from toco_core.messages import shortened, shown

MOST_VALUES = 10_000  # that aliases stand for; a recipe has a hundred
MOST_CHARACTERS = 200  # of what is said of a mistake


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the numbers of YAML 1.2, without surprises.

    A key is a word and is given once, a value that cannot be read is named by its line, and what
    aliases stand for is bounded.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._sizes: dict[int, int] = {}  # values below a node, once it is complete
        self._aliased = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()
        node = super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent):
            self._count(event, node)
        elif node is not None:
            self._sizes[id(node)] = 1 + sum(self._sizes[id(part)] for part in _parts(node))
        return node

    def _count(self, alias: yaml.AliasEvent, node: yaml.Node | None) -> None:
        if id(node) not in self._sizes:
            raise _error(f"{alias.anchor} holds itself", alias)
        self._aliased += self._sizes[id(node)]
        if self._aliased > MOST_VALUES:
            raise _error(f"aliases stand for more than {MOST_VALUES} values", alias)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        # PyYAML lets through what int(), datetime.date() and its own tables say of a scalar.
        except (ValueError, LookupError, AttributeError, OverflowError) as error:
            raise _error(f"{shown(node.value)} cannot be read: {error}", node) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                kind = "list" if isinstance(key, yaml.SequenceNode) else "mapping"
                raise _error(f"a key is a word, not a {kind}", key)
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value} is given twice, again in line {line}"
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _error(problem: str, place: yaml.Node | yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


# YAML 1.1, which PyYAML reads, takes 6e-5 for a word because it has no point.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def parse_yaml(text: str, source: str) -> Any:
    """Parse YAML into plain Python values.

    Args:
        text: The document.
        source: What the error calls it, such as the path of the file.

    Raises:
        ValueError: In one line, with the place, if the text is not YAML or repeats a key.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader: plain values only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}" if mark else ""
        raise ValueError(
            f"{source}{place}: {shortened(error.problem or '', MOST_CHARACTERS)}"
        ) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"a character that no text holds: {chr(error.character)!r}"
        raise ValueError(f"{source}, line {line}: {problem}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{source}: {shortened(str(error), MOST_CHARACTERS)}") from None
    except RecursionError:
        raise ValueError(f"{source}: lists or mappings are nested too deeply") from None
