"""`tune` and `report` are drawn out of pools by words and a seed, and never share an image."""

from __future__ import annotations

import pytest

from toco_core.data.splitting import Splitting, draw_splits
from toco_core.data.storage import DatasetError

POOLS = {"train": [f"t{number}" for number in range(40)], "val": [f"v{n}" for n in range(20)]}


def sizes(tune: str, report: str, seed: int = 0) -> dict[str, int]:
    drawn = draw_splits(POOLS, Splitting(tune=tune, report=report, seed=seed))
    return {split: len(names) for split, names in drawn.items()}


@pytest.mark.parametrize(
    ("tune", "report", "expected"),
    [
        ("train", "val", {"tune": 40, "report": 20}),
        ("train:7", "val", {"tune": 7, "report": 20}),
        ("train:25%", "val:10%", {"tune": 10, "report": 2}),
        ("val:5", "val", {"tune": 5, "report": 15}),
        ("val", "val:1%", {"tune": 19, "report": 1}),
        ("none", "val", {"report": 20}),
        ("none", "none", {}),
    ],
)
def test_a_share_is_a_pool_a_number_of_it_a_part_or_none(
    tune: str, report: str, expected: dict[str, int]
) -> None:
    assert sizes(tune, report) == expected


@pytest.mark.parametrize(("tune", "report"), [("val:8", "val"), ("val", "val:8"), ("val:50%",) * 2])
def test_no_image_is_in_both_and_the_order_is_that_of_the_pool(tune: str, report: str) -> None:
    drawn = draw_splits(POOLS, Splitting(tune=tune, report=report))
    assert sorted(drawn["tune"] + drawn["report"]) == sorted(POOLS["val"])
    for names in drawn.values():
        assert names == sorted(names, key=POOLS["val"].index)


def test_a_draw_depends_on_the_seed_and_not_on_the_order_of_the_listing() -> None:
    def drawn(seed: int, pool: list[str]) -> set[str]:
        splitting = Splitting(tune="val:5", report="none", seed=seed)
        return set(draw_splits({"val": pool}, splitting)["tune"])

    assert drawn(0, POOLS["val"]) == drawn(0, POOLS["val"][::-1])
    assert len({frozenset(drawn(seed, POOLS["val"])) for seed in range(5)}) == 5


def test_the_draw_stays_what_it_was_in_earlier_versions() -> None:
    drawn = draw_splits(POOLS, Splitting(tune="val:3", report="none"))
    assert drawn["tune"] == ["v7", "v11", "v12"]


def test_the_images_of_report_do_not_change_with_those_of_tune() -> None:
    reports = [
        draw_splits(POOLS, Splitting(tune=tune, report="val:5"))["report"]
        for tune in ("none", "val:3", "val", "train")
    ]
    assert all(names == reports[0] for names in reports)


@pytest.mark.parametrize(
    ("tune", "report", "problem"),
    [
        ("trian", "val", "tune 'trian': the masks are in train and val"),
        ("train:0", "val", "tune 'train:0' must be POOL, POOL:300"),
        ("train:101%", "val", "tune 'train:101%' must be"),
        ("train:x", "val", "tune 'train:x' must be"),
        ("", "val", "tune '' must be"),
        ("train", "val:21", "report asks for 21 of val, which has 20 images with masks"),
        ("val:15", "val:15", "tune asks for 15 of val, .* 5 of them not in another split"),
        ("val", "val", "tune asks for the rest of val, .* 0 of them not in another split"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(tune: str, report: str, problem: str) -> None:
    with pytest.raises(DatasetError, match=problem):
        sizes(tune, report)
