from __future__ import annotations

import torch
from torch import Tensor

from toco_core.terms.counts import Counts


def counts(**by_term: list[int]) -> Counts:
    return Counts({term: torch.tensor(count) for term, count in by_term.items()})


def as_lists(given: Counts) -> dict[str, list[int]]:
    return {term: count.tolist() for term, count in given.by_term.items()}


def test_parts_add_up_term_by_term() -> None:
    total = counts(ptc=[1, 2], seg=[3, 4]) + counts(ptc=[10, 20], seg=[30, 40])
    assert as_lists(total) == {"ptc": [11, 22], "seg": [33, 44]}


def test_the_ranks_meet_once_for_all_terms() -> None:
    met: list[Tensor] = []

    def double(mine: Tensor) -> Tensor:
        met.append(mine)
        return 2 * mine

    total = counts(ptc=[1, 2], seg=[3, 4]).over_ranks(double)
    assert as_lists(total) == {"ptc": [2, 4], "seg": [6, 8]}
    assert [mine.tolist() for mine in met] == [[[1, 2], [3, 4]]]
