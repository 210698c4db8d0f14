"""A comparison as tables: the protocol first, then the settings, then the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from platform.compare.result import Result
from platform.protocol.card import (
    OF_THE_NETWORK,
    ProtocolCard,
    different_lines,
    line_title,
)
from platform.results.formats import NOTHING, percent
from platform.results.text_tables import TextTable
from toco_core.settings.keys import changed_settings, get_value


def headline(results: Sequence[Result]) -> str:
    """Say in one line whether the numbers may be compared."""
    without = [one.name for one in results if not one.cards]
    if without:
        return (
            f"{', '.join(without)}: no protocol card, so nobody can tell whether the numbers may "
            "be compared; python -m platform.evaluate measures them with one"
        )
    measured = _measured_by_all(results)
    if not measured:
        return "not comparable: there is no number that all of them have"
    lines = {name for what in measured for name in _protocol_lines(results, what)}
    if lines:
        named = ", ".join(sorted(map(line_title, lines)))
        return f"not comparable: they were not measured in the same way ({named})"
    return f"measured in the same way: {', '.join(measured)}"


def comparison_tables(results: Sequence[Result]) -> list[TextTable]:
    """Return the tables that have something to show."""
    tables: list[TextTable] = []
    for what in _measured_by_all(results):
        lines = _lines(results, what)
        protocol = {line_title(n): row for n, row in lines.items() if n not in OF_THE_NETWORK}
        network = {line_title(n): row for n, row in lines.items() if n in OF_THE_NETWORK}
        tables += [
            _table(f"Protocol of {what}: lines that differ", protocol, results),
            _table(f"What was measured, {what}: lines that differ", network, results),
        ]
    tables += [_table("Settings that differ", _settings(results), results), _scores(results)]
    return [table for table in tables if table.rows]


def _measured_by_all(results: Sequence[Result]) -> list[str]:
    first, *others = results
    return [what for what in first.cards if all(what in one.cards for one in others)]


def _lines(results: Sequence[Result], what: str) -> dict[str, list[str]]:
    cards: list[ProtocolCard] = [one.cards[what] for one in results]
    return different_lines(cards)


def _protocol_lines(results: Sequence[Result], what: str) -> list[str]:
    return [name for name in _lines(results, what) if name not in OF_THE_NETWORK]


def _table(title: str, rows: Mapping[str, Sequence[str]], results: Sequence[Result]) -> TextTable:
    return TextTable(
        title=title,
        columns=("", *(one.name for one in results)),
        rows=[[name, *row] for name, row in rows.items()],
        text_columns=len(results) + 1,
    )


def _settings(results: Sequence[Result]) -> dict[str, list[str]]:
    """Return each setting in which two recipes differ, with what every recipe says."""
    recipes = [one.recipe for one in results]
    known = [recipe for recipe in recipes if recipe is not None]
    keys = dict.fromkeys(key for recipe in known[1:] for key in changed_settings(known[0], recipe))
    return {
        key: [NOTHING if one is None else str(get_value(one, key)) for one in recipes]
        for key in keys
    }


def _scores(results: Sequence[Result]) -> TextTable:
    names = dict.fromkeys(name for one in results for name in one.scores)
    return TextTable(
        title="mIoU in %",
        columns=("", *(one.name for one in results)),
        rows=[[name, *(percent(one.scores.get(name)) for one in results)] for name in names],
    )
