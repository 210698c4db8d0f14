"""A second stage as a column of a comparison: what pseudo-labels were worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from platform.command_line import RECIPE_FILE, shown_path
from platform.compare.result import Result, read_json
from platform.protocol.card import ProtocolCard
from platform.second_stage.output import RESULT_FILE
from platform.second_stage.setup import RUN_DIRECTORY
from toco_core.settings.overrides import load_recipe


def second_stage_files(directory: Path) -> list[Path]:
    """Return the results of a second stage, one for each split that it was scored on."""
    return sorted(directory.glob(RESULT_FILE.format(split="*")))


def is_second_stage(file: Path) -> bool:
    """Whether a file is the result of a second stage, by its name."""
    return file.match(RESULT_FILE.format(split="*"))


def of_second_stage(directory: Path, files: Sequence[Path]) -> Result:
    """Return mean mIoU of the seeds, with the card of the first one: they differ in the seed.

    Raises:
        ValueError: a file is damaged, or of an earlier version; names it.
    """
    cards: dict[str, ProtocolCard] = {}
    scores: dict[str, float | None] = {}
    seeds: list[str] = []
    for file in files:
        content = read_json(file)
        if not {"split", "miou", "seeds", "cards"} <= content.keys() or not content["seeds"]:
            raise ValueError(f"{file} is no result of a second stage; make it again")
        what, seeds = f"second stage, {content['split']}", list(content["seeds"])
        cards[what] = ProtocolCard.from_json(content["cards"][seeds[0]])
        scores[what] = content["miou"]
    recipe = directory / RUN_DIRECTORY.format(seed=seeds[0]) / RECIPE_FILE
    return Result(
        name=f"{shown_path(directory)} ({len(seeds)} seed{'s' * (len(seeds) > 1)})",
        cards=cards,
        recipe=load_recipe(str(recipe)) if recipe.is_file() else None,
        scores=scores,
    )
