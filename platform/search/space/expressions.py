"""Conditions over settings, such as `thresholds.low < thresholds.high`, read without `eval`."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from toco_core.messages import shown

Lookup: TypeAlias = Callable[[str], Any]  # a dotted key -> its value


def _same(a: Any, b: Any) -> bool:
    # 0.5 - 0.4 is just under 0.1, and a value on a grid of steps is rarely the float one would type
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b


_OPERATIONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: lambda a, b: a < b and not _same(a, b),
    ast.LtE: lambda a, b: a < b or _same(a, b),
    ast.Gt: lambda a, b: a > b and not _same(a, b),
    ast.GtE: lambda a, b: a > b or _same(a, b),
    ast.Eq: _same,
    ast.NotEq: lambda a, b: not _same(a, b),
}


@dataclass(frozen=True)
class Condition:
    """A comparison of settings and constants, or several joined by `and`, `or`, `not`."""

    text: str
    names: tuple[str, ...]
    _tree: ast.expr

    def holds(self, lookup: Lookup) -> bool:
        """Evaluate the condition on the values that `lookup` returns for its names."""
        return bool(_evaluate(self._tree, lookup))


def parse_condition(text: str, source: str) -> Condition:
    """Parse a condition: dotted keys, numbers, words in quotes, + - * /, comparisons, and/or/not.

    Args:
        text: The condition.
        source: What an error calls the file that it comes from.

    Raises:
        ValueError: If the text is anything else, a function call for example.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # NUL, or brackets without end
        raise ValueError(f"{source}: {shown(text)} is not a condition") from None
    names: dict[str, None] = {}
    _check(tree, names, f"{source}: {shown(text)}")
    negated = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    if not (negated or isinstance(tree, ast.Compare | ast.BoolOp)):
        raise ValueError(f"{source}: {shown(text)} compares nothing; write such as a.b < 1")
    return Condition(text=text, names=tuple(names), _tree=tree)


def _check(node: ast.expr, names: dict[str, None], where: str) -> None:
    match node:
        case ast.Name() | ast.Attribute() if key := _dotted_key(node):
            names[key] = None
        case ast.Constant(value=bool() | int() | float() | str()):
            pass
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            _check(operand, names, where)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            _check(left, names, where)
            _check(right, names, where)
        case ast.Compare(left=left, ops=ops, comparators=rest) if {*map(type, ops)} <= {
            *_OPERATIONS
        }:
            for part in (left, *rest):
                _check(part, names, where)
        case ast.BoolOp(values=parts):
            for part in parts:
                _check(part, names, where)
        case _:
            allowed = "keys, numbers, + - * /, comparisons, and/or/not"
            raise ValueError(f"{where}: {shown(ast.unparse(node))} is not allowed; {allowed} are")


def _dotted_key(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name) if key := _dotted_key(inner):
            return f"{key}.{name}"
        case _:
            return None


def _evaluate(node: ast.expr, lookup: Lookup) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, lookup)
        case ast.UnaryOp(operand=operand):
            return not _evaluate(operand, lookup)
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATIONS[type(op)](_evaluate(left, lookup), _evaluate(right, lookup))
        case ast.Compare(left=left, ops=ops, comparators=rest):
            values = [_evaluate(part, lookup) for part in (left, *rest)]
            pairs = zip(ops, values, values[1:], strict=False)
            return all(_OPERATIONS[type(op)](a, b) for op, a, b in pairs)
        case ast.BoolOp(op=op, values=parts):
            join = all if isinstance(op, ast.And) else any
            return join(_evaluate(part, lookup) for part in parts)
        case _:
            key = _dotted_key(node)
            assert key, "parse_condition lets nothing else through"
            return lookup(key)
