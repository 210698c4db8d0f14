"""Which trials failed, were interrupted, or are not over."""

from __future__ import annotations

from collections import Counter

from platform.report.health.card import Card
from platform.report.searched import Searched

_MOST = 3  # reasons
_MANY = 0.25  # of the trials


def failure_card(searched: Searched) -> Card:
    """Count failures by their reason, and trials that went on from a checkpoint."""
    title = "Did trials get lost?"
    failed = [row for row in searched.trials if row.state == "failed"]
    resumed = [row for row in searched.trials if row.first_iteration > row.shared_iterations]
    parts: list[str] = []
    if resumed:
        parts.append(f"{len(resumed)} went on from a checkpoint after an interruption.")
    unfinished = sum(row.state == "unfinished" for row in searched.trials)
    if unfinished:
        parts.append(f"{unfinished} are unfinished: the same command goes on with them.")
    if not failed:
        finding = " ".join(["No trial failed.", *parts])
        return Card(title=title, state="look" if unfinished else "good", finding=finding)
    reasons = Counter(row.reason or "no reason given" for row in failed).most_common(_MOST)
    texts = [f"{count} × {reason}" for reason, count in reasons]
    finding = " ".join([f"{len(failed)} failed: {'; '.join(texts)}.", *parts])
    is_many = len(failed) > _MANY * len(searched.trials)
    advice = "Exclude what makes trials fail from the space: a lower upper end, or a constraint."
    return Card(title=title, state="bad" if is_many else "look", finding=finding, advice=advice)
