"""Conditions over settings, such as `thresholds.low < thresholds.high`, read without `eval`."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from toco_core.messages import shortened, shown

Lookup: TypeAlias = Callable[[str], Any]  # a dotted key -> its value


def _same(a: Any, b: Any) -> bool:
    # 0.5 - 0.4 is just under 0.1, and a value on a grid of steps is rarely the float one would type
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b


_OPERATIONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    # in floats: integers multiply to numbers that no float holds
    ast.Add: lambda a, b: float(a) + float(b),
    ast.Sub: lambda a, b: float(a) - float(b),
    ast.Mult: lambda a, b: float(a) * float(b),
    ast.Div: lambda a, b: float(a) / float(b),
    ast.Lt: lambda a, b: a < b and not _same(a, b),
    ast.LtE: lambda a, b: a < b or _same(a, b),
    ast.Gt: lambda a, b: a > b and not _same(a, b),
    ast.GtE: lambda a, b: a > b or _same(a, b),
    ast.Eq: _same,
    ast.NotEq: lambda a, b: not _same(a, b),
}


_EQUALITY = (ast.Eq, ast.NotEq)  # of anything; other comparisons are of numbers
_MOST_CHARACTERS = 500
_LARGEST = 2**53  # integers up to here are floats too


@dataclass(frozen=True)
class Condition:
    """A comparison of settings and constants, or several joined by `and`, `or`, `not`."""

    text: str
    names: tuple[str, ...]
    _tree: ast.expr

    def holds(self, lookup: Lookup) -> bool:
        """Evaluate the condition on the values that `lookup` returns for its names."""
        return bool(_evaluate(self._tree, lookup))

    def check_kinds(self, lookup: Lookup, where: str) -> None:
        """Require numbers wherever it computes or orders, whichever part of it decides.

        Args:
            lookup: returns, for each name, a value of the kind that it always has.
            where: what the error calls the place of the condition.

        Raises:
            ValueError: names what is no number.
        """
        _check_kinds(self._tree, lookup, f"{where}: {shown(self.text)}")


def parse_condition(text: str, source: str) -> Condition:
    """Parse a condition: dotted keys, numbers, words in quotes, + - * /, comparisons, and/or/not.

    Args:
        text: The condition.
        source: What an error calls the file that it comes from.

    Raises:
        ValueError: If the text is anything else, a function call for example.
    """
    if len(text) > _MOST_CHARACTERS:
        most = f"has more than {_MOST_CHARACTERS} characters"
        raise ValueError(f"{source}: {shown(text)} {most}; split it into several conditions")
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
        case ast.Constant(value=int() as number) if abs(number) > _LARGEST:
            raise ValueError(f"{where}: {shown(number)} is not within 2^53")
        case ast.Constant(value=bool() | int() | float() | str()):
            pass
        case ast.BinOp(op=ast.Div(), right=right) if not _divides(right):
            divisor = shortened(ast.unparse(right), 60)
            raise ValueError(f"{where}: {divisor} may be 0; divide by a number, or multiply")
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


def _divides(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)


def _check_kinds(node: ast.expr, lookup: Lookup, where: str) -> None:
    numbers: list[ast.expr] = []
    match node:
        case ast.UnaryOp(op=op, operand=operand):
            numbers = [] if isinstance(op, ast.Not) else [operand]
        case ast.BinOp(left=left, right=right):
            numbers = [left, right]
        case ast.Compare(left=left, ops=ops, comparators=rest):
            ordered = not all(isinstance(op, _EQUALITY) for op in ops)
            numbers = [left, *rest] if ordered else []
        case _:
            pass
    for part in numbers:
        _require_number(part, lookup, where)
    if _dotted_key(node) is None:
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                _check_kinds(part, lookup, where)


def _require_number(node: ast.expr, lookup: Lookup, where: str) -> None:
    match node:
        case ast.Constant(value=value):
            is_number = isinstance(value, int | float)
        case ast.Name() | ast.Attribute():
            is_number = isinstance(lookup(_dotted_key(node) or ""), int | float)
        case _:
            is_number = True  # a sum, a product, or a comparison
    if not is_number:
        raise ValueError(f"{where}: {shortened(ast.unparse(node), 60)} is not a number")


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
