"""Is there an effect at all, and is the winner better than the recipe?"""

from __future__ import annotations

import math

from platform.report.health.card import Card, few_trials
from platform.report.searched import Searched
from platform.report.verdict import lead_of_winner, picked_answer
from platform.results.formats import gain
from platform.search.confirmation.confirmed import AgainstRecipe
from platform.search.setup import REPORT_SPLIT


def effect_card(searched: Searched) -> Card:
    """Compare how far configurations differ with the luck of a score."""
    title, luck = "Do the settings have an effect?", searched.judgement.luck
    values = [one.value for one in searched.worth.values()]
    if luck is None or len(values) < 2:
        return Card(title=title, state="unknown", finding=few_trials(searched))
    spread, apart = max(values) - min(values), math.sqrt(2) * luck
    finding = (
        f"Configurations are worth {100 * min(values):.1f} to {100 * max(values):.1f}; two scores "
        f"differ by up to {100 * apart:.1f} points from luck alone."
    )
    if spread > apart:
        return Card(title=title, state="good", finding=finding)
    advice = "Search settings that matter more, widen the ranges, or score on more images."
    return Card(title=title, state="look", finding=finding, advice=advice)


def better_card(searched: Searched) -> Card:
    """Say whether the winner is told apart from the recipe, and what would tell."""
    title, lead = "Is the winner better than the recipe?", lead_of_winner(searched)
    confirmed = searched.confirmed_winner
    if confirmed and confirmed.against:
        return _confirmed_card(title, confirmed.against, len(confirmed.scores))
    if searched.is_picked:
        return _picked_card(searched, title)
    if searched.winner == 0:
        advice = "Keep the recipe; or search further, or elsewhere."
        finding = "Nothing that was tried is worth more than the recipe."
        return Card(title=title, state="look", finding=finding, advice=advice)
    if lead is None or lead.half is None:
        return Card(title=title, state="unknown", finding=few_trials(searched))
    finding = f"It leads by {gain(lead.value)} points, 95 % interval ±{100 * lead.half:.1f}."
    if lead.value > lead.half:
        advice = "Train winner and recipe on further seeds before you report the difference."
        return Card(title=title, state="good", finding=finding, advice=advice)
    times = math.ceil((lead.half / max(lead.value, 1e-4)) ** 2)
    more = f"some {times} times as many scores" if times <= 20 else "far more scores than this"
    advice = f"A lead of this size would need {more} to be told apart: train both on more seeds."
    return Card(title=title, state="look", finding=finding, advice=advice)


def _picked_card(searched: Searched, title: str) -> Card:
    _, answer = picked_answer(searched)
    return Card(title=title, state="look", finding=answer)


def _confirmed_card(title: str, against: AgainstRecipe, seeds: int) -> Card:
    half = "" if against.half_width is None else f" ±{100 * against.half_width:.1f}"
    finding = (
        f"On {seeds} fresh seeds it scores {gain(against.mean)}{half} points more than the recipe "
        f"on {REPORT_SPLIT}, p {against.p:.3f}."
    )
    if against.verdict == "better":
        return Card(title=title, state="good", finding=finding)
    advice = "Report it as not told apart, or confirm on more seeds."
    return Card(title=title, state="look", finding=finding, advice=advice)
