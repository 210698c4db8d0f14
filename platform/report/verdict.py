"""The question that a search asks, and its answer in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from platform.report.searched import Searched, changed
from platform.results.formats import gain, percent
from platform.search.confirmation.confirmed import AgainstRecipe
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT
from platform.search.worth import Estimate


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a search came to.

    Attributes:
        question: what was asked.
        answer: one short sentence.
        support: sentences that say by how much, and what that rests on.
        is_apart: whether the winner is told apart from the recipe; None where nobody can say.
    """

    question: str
    answer: str
    support: Sequence[str]
    is_apart: bool | None


def verdict(searched: Searched) -> Verdict:
    """Answer whether the search has found something better than the recipe."""
    is_apart, answer = _answer(searched)
    parts = [_standing(searched), _lead(searched), _unseen(searched), _luck(searched)]
    return Verdict(
        question=f"Is anything in this space better than the recipe {searched.recipe.name}?",
        answer=answer,
        support=[part for part in parts if part],
        is_apart=is_apart,
    )


def lead_of_winner(searched: Searched) -> Estimate | None:
    """Return how much more the winner is worth than the recipe; None where nobody can say."""
    if searched.winner in (None, 0):
        return None
    lead = searched.judgement.lead.get(searched.winner)
    return lead if lead and lead.half is not None else None


def _answer(searched: Searched) -> tuple[bool | None, str]:
    confirmed = searched.confirmed_winner
    if confirmed and confirmed.against:
        return _confirmed_answer(confirmed.name, confirmed.against, len(confirmed.scores))
    if searched.winner is None:
        return None, "Not known yet: no trial has reached its end."
    if searched.is_picked:
        return picked_answer(searched)
    if searched.winner == 0:
        return False, "No: no configuration that was tried is worth more than the recipe."
    lead, winner = lead_of_winner(searched), f"trial {searched.winner}"
    if lead is None or lead.half is None:
        return None, f"Not known: {winner} has the highest score, but too few trials to say more."
    what, size = searched.heading, f"{gain(lead.value)} ±{100 * lead.half:.1f} points"
    if lead.value > lead.half:
        return True, f"Yes: {winner} leads it by {size} of {what}."
    return False, f"Not that it could be told apart: {winner} leads by {size} of {what}."


def picked_answer(searched: Searched) -> tuple[bool | None, str]:
    """Say how a trial that somebody picked off the front stands to the recipe, by one objective."""
    lead, picked = lead_of_winner(searched), f"Trial {searched.winner} was picked off the front"
    if searched.winner == 0:
        return False, "No: the recipe itself was picked off the front."
    if lead is None or lead.half is None:
        return None, f"{picked}; there are too few trials to say how it compares."
    by = f"{gain(lead.value)} ±{100 * lead.half:.1f} points"
    return lead.value > lead.half, f"{picked}; by {searched.heading} alone it leads by {by}."


def _confirmed_answer(name: str, against: AgainstRecipe, seeds: int) -> tuple[bool, str]:
    half = "" if against.half_width is None else f" ±{100 * against.half_width:.1f}"
    size = f"{gain(against.mean)}{half} points on {REPORT_SPLIT}, over {seeds} fresh seeds"
    if against.verdict == "better":
        return True, f"Yes: {name} is better by {size}."
    return False, f"Not that it could be told apart: {name} differs by {size}."


def _standing(searched: Searched) -> str:
    states = [row.state for row in searched.trials]
    counts = [f"{states.count(one)} {one}" for one in dict.fromkeys(states)]
    settings = len(searched.space.space.parameters)
    still = "" if searched.is_over else " The search is not over: this is what there is so far."
    return (
        f"{len(states)} trials of at most {searched.recipe.iterations} iterations over "
        f"{settings} setting{'s' if settings > 1 else ''}: {', '.join(counts)}.{still}"
    )


def _lead(searched: Searched) -> str:
    lead = lead_of_winner(searched)
    if lead is None or lead.half is None or searched.winner is None:
        return ""
    settings = ", ".join(changed(searched, searched.winner))
    led = f"In the search it led by {gain(lead.value)} ±{100 * lead.half:.1f} points. "
    return (
        f"{led if searched.confirmed_winner else ''}"
        f"The interval is 95 %, from a model of the scores of all trials on {TUNE_SPLIT}; the "
        f"winner differs from the recipe in {settings or 'nothing but its seed'}."
    )


def _unseen(searched: Searched) -> str:
    recipe, winner = searched.report.get(0), searched.report.get(searched.winner or 0)
    if recipe is None or winner is None or searched.winner in (None, 0):
        return ""
    if recipe.maximised is None or winner.maximised is None:
        return ""
    images = searched.setup.get(f"images of {REPORT_SPLIT}", winner.masks_opened)
    return (
        f"On {images} images that the search never saw ({REPORT_SPLIT}): "
        f"{percent(winner.maximised)} against {percent(recipe.maximised)}, "
        f"{gain(winner.maximised - recipe.maximised)} points; one training each."
    )


def _luck(searched: Searched) -> str:
    luck = searched.judgement.luck
    if luck is None or searched.confirmed_winner:
        return ""
    return (
        f"A single score is off by ±{100 * luck:.1f} points from the luck of its seed and "
        "iteration: confirm on several seeds before you claim a difference of that size."
    )
