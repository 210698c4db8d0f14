"""Do the scores themselves look as scores should?"""

from __future__ import annotations

from platform.report.health.card import Card
from platform.report.searched import Searched
from platform.results.score_checks import suspicions
from platform.results.trial_rows import best_of

_MARKED = {"winner": "The winner", "recipe": "The recipe"}


def score_card(searched: Searched) -> Card:
    """Look at the last scores of winner and recipe, or of the first trials before there are any."""
    title = "Do the scores look sound?"
    contenders = searched.contenders() or {f"trial {n}": n for n in list(searched.scores)[:2]}
    found: list[str] = []
    remedies: list[str] = []
    for name, number in contenders.items():
        for one in suspicions(searched.scores[number][-1], searched.class_names):
            found.append(f"{_MARKED.get(name, name)}: {one.sign} ({one.cause}).")
            remedies.append(one.remedy)
    if not searched.scores:
        return Card(title=title, state="unknown", finding="There is no score yet.")
    if not found:
        return Card(title=title, state="good", finding="Nothing about them is suspicious.")
    advice = "; ".join(dict.fromkeys(remedies))
    return Card(
        title=title,
        state="bad",
        finding=" ".join(found),
        advice=advice[0].upper() + advice[1:] + ".",
    )


def length_card(searched: Searched) -> Card:
    """Say whether the winner was still rising, or past its best, when training ended."""
    title, luck = "Is the training long enough?", searched.judgement.luck
    rows = searched.scores.get(searched.winner) if searched.winner is not None else None
    if not rows or len(rows) < 2 or luck is None:
        return Card(title=title, state="unknown", finding="Too few scores to tell.")
    scores = [searched.score_of(row) for row in rows]
    last, before, best = scores[-1], scores[-2], best_of(*scores) or scores[-1]
    finding = (
        f"The winner's last two scores are {100 * before:.1f} and {100 * last:.1f}; its best was "
        f"{100 * best:.1f}, and luck is ±{100 * luck:.1f}."
    )
    if last - before > luck:
        advice = "It was still rising: train longer."
        return Card(title=title, state="look", finding=finding, advice=advice)
    if best - last > luck:
        advice = "It was past its best: train less, or lower the rate."
        return Card(title=title, state="look", finding=finding, advice=advice)
    return Card(title=title, state="good", finding=finding)
