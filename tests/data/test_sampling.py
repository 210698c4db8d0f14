"""The order of the samples depends on the seed and the position, and on nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from toco_core.data.sampling import ShuffledOrder, epoch_order, rank_positions, sample_seeds

GROUPS = [(1,), (5,), (4, 4, 2), (64, 64, 64, 30), (3,) * 40]


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("window", [1, 2, 7, 1000])
def test_every_epoch_holds_every_row_once(groups: tuple[int, ...], window: int) -> None:
    rows = sum(groups)
    order = ShuffledOrder(groups, window=window, seed=3)
    for epoch in range(3):
        positions = range(epoch * rows, (epoch + 1) * rows)
        assert Counter(map(order.sample_at, positions)) == Counter(range(rows))


def test_epochs_and_seeds_differ_and_repeat() -> None:
    orders = {
        (seed, epoch): tuple(epoch_order((64, 64), 2, (seed, epoch)))
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(set(orders.values())) == 9
    assert tuple(epoch_order((64, 64), 2, (1, 2))) == orders[1, 2]


def test_a_position_does_not_depend_on_what_was_asked_before() -> None:
    groups = (8,) * 6
    forward = ShuffledOrder(groups, window=2, seed=0)
    backward = ShuffledOrder(groups, window=2, seed=0)
    positions = range(200)
    rows = [forward.sample_at(position) for position in positions]
    assert [backward.sample_at(position) for position in reversed(positions)] == rows[::-1]


def test_a_window_touches_no_more_row_groups_than_its_size() -> None:
    order = epoch_order((8,) * 12, 3, (0, 0))
    for start in range(0, 96, 24):
        assert len({row // 8 for row in order[start : start + 24].tolist()}) == 3


def test_rows_are_mixed_within_a_window() -> None:
    changes = sum(
        a // 8 != b // 8
        for a, b in zip(
            *[epoch_order((8,) * 4, 4, (0, 0)).tolist()[i:] for i in (0, 1)], strict=False
        )
    )
    assert changes > 15  # in order of the groups there would be three


@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_ranks_share_a_step_without_overlap(world_size: int) -> None:
    shares = [rank_positions(5, 8, rank, world_size) for rank in range(world_size)]
    assert [position for share in shares for position in share] == list(range(40, 48))


def test_an_uneven_share_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        ValueError, match=r"images_per_step 4 cannot be shared by 3 .* multiple of 3"
    ):
        rank_positions(0, 4, 0, 3)


@pytest.mark.parametrize("rank", [-1, 2])
def test_a_rank_that_does_not_exist_is_refused(rank: int) -> None:
    with pytest.raises(ValueError, match=r"rank -?\d is outside 0\.\.1"):
        rank_positions(0, 4, rank, 2)


def test_seeds_of_samples_are_all_different() -> None:
    seeds = [value for seed in range(4) for at in range(500) for value in sample_seeds(seed, at)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= value < 2**63 for value in seeds)
