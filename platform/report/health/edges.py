"""Does the winner lie at the edge of what was searched?"""

from __future__ import annotations

from platform.report.figures.axis import parameter_axes
from platform.report.health.card import Card
from platform.report.searched import Searched
from platform.results.parameters import value_text

_NEAR = 0.05  # of a range


def edge_card(searched: Searched) -> Card:
    """Name the settings whose range the winner leaves no room in."""
    title = "Is the optimum inside the space?"
    if searched.winner is None:
        return Card(title=title, state="unknown", finding="No trial has reached its end.")
    params = searched.rows[searched.winner].params
    found: list[str] = []
    for axis in parameter_axes(searched):
        key = axis.parameter.key
        if axis.is_category or key not in params or axis.parameter.low == axis.parameter.high:
            continue
        share = axis.share(params[key])
        if share <= _NEAR or share >= 1 - _NEAR:
            end = "lower" if share <= _NEAR else "upper"
            found.append(f"{key} = {value_text(params[key])}, the {end} end of its range")
    if not found:
        return Card(title=title, state="good", finding="The winner is at no edge of a range.")
    advice = "Widen these ranges, if the setting allows it, and search on: better may lie beyond."
    return Card(title=title, state="look", finding=f"{'; '.join(found)}.", advice=advice)
