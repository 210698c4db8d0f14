"""The cards of a report in their order."""

from __future__ import annotations

from collections.abc import Sequence

from platform.report.health.card import Card
from platform.report.health.edges import edge_card
from platform.report.health.effect import better_card, effect_card
from platform.report.health.losses import failure_card
from platform.report.health.pruning import pruning_card
from platform.report.health.scores import length_card, score_card
from platform.report.searched import Searched


def make_cards(searched: Searched) -> Sequence[Card]:
    """Return a card for each question."""
    makers = (effect_card, better_card, edge_card, pruning_card, failure_card, score_card)
    return [*(make(searched) for make in makers), length_card(searched)]
