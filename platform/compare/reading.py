"""Reads what is compared: a search, a run, an evaluation, a checkpoint, or a second stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from platform.command_line import RECIPE_FILE, shown_path
from platform.compare.result import Result, read_json
from platform.compare.second_stages import (
    is_second_stage,
    of_second_stage,
    second_stage_files,
)
from platform.evaluate.output import EVALUATION_FILE
from platform.protocol.card import ProtocolCard
from platform.results.curves import CURVES_FILE, read_curves
from platform.results.events import CAM_MIOU
from platform.search.best_files import BEST_RECIPE, winner_of
from platform.search.confirmation.confirmed import read_confirmation
from platform.search.report_file import REPORT_FILE, read_report
from platform.second_stage.setup import LABELS_FILE
from platform.train.setup import FINAL_CHECKPOINT
from toco_core.checkpoint import load_checkpoint
from toco_core.settings.overrides import load_recipe


def read_result(path: Path) -> Result:
    """Read a result.

    Raises:
        ValueError: there is none, or it has no score yet.
    """
    if path.is_file():
        return _of_file(path)
    if second_stage_files(path):
        return of_second_stage(path, second_stage_files(path))
    if (path / EVALUATION_FILE).is_file():
        return _of_evaluation(path / EVALUATION_FILE, shown_path(path))
    if (path / REPORT_FILE).is_file():
        return _of_search(path)
    if (path / FINAL_CHECKPOINT).is_file():
        return _of_run(path)
    if (path / CURVES_FILE).is_file() or (path / LABELS_FILE).is_file():
        raise ValueError(f"{path} has no end yet: let the same command go on")
    raise ValueError(
        f"{path} is no result: name the directory of a search, a run, an evaluation or a second "
        "stage, or a checkpoint"
    )


def _of_file(path: Path) -> Result:
    if path.name == EVALUATION_FILE:
        return _of_evaluation(path, shown_path(path.parent))
    if is_second_stage(path):
        return of_second_stage(path.parent, [path])
    found = _evaluation_of(path)
    if found is None:
        raise ValueError(f"{path} has no score yet: python -m platform.evaluate {path}")
    return _of_evaluation(found, shown_path(path))


def _evaluation_of(checkpoint: Path) -> Path | None:
    """Return the evaluation beside a checkpoint; of several that of `report`, or the last one."""
    found = sorted(
        checkpoint.parent.glob(f"evaluation-*/{EVALUATION_FILE}"),
        key=lambda path: (path.parent.name == "evaluation-report", path.stat().st_mtime),
    )
    mine = [path for path in found if _is_of(path, checkpoint)]
    return mine[-1] if mine else None


def _is_of(evaluation: Path, checkpoint: Path) -> bool:
    return read_json(evaluation).get("checkpoint") == str(checkpoint.absolute())


def _of_evaluation(path: Path, name: str) -> Result:
    content = read_json(path)
    if "checkpoint" not in content:
        raise ValueError(f"{path} is no evaluation: it names no checkpoint")
    cards = {key: ProtocolCard.from_json(card) for key, card in content.get("cards", {}).items()}
    scores = {"cam": content.get("miou"), "cam, aux": content.get("aux_miou")}
    segmentation: dict[str, Any] = content.get("segmentation", {})
    scores |= {key: one["miou"] for key, one in segmentation.items() if isinstance(one, dict)}
    checkpoint = Path(content["checkpoint"])
    has_recipe = checkpoint.is_file() and not content["official"]
    recipe = load_checkpoint(checkpoint).recipe if has_recipe else None
    known = {key: score for key, score in scores.items() if score is not None}
    return Result(name=name, cards=cards, recipe=recipe, scores=known)


def _of_search(directory: Path) -> Result:
    report, winner = read_report(directory), winner_of(directory)
    if winner not in report:
        raise ValueError(f"{directory} has no winner yet: let the same command go on")
    score = report[winner]
    return Result(
        name=f"{shown_path(directory)} (trial {winner})",
        cards={"cam": score.card} if score.card else {},
        recipe=load_recipe(str(directory / BEST_RECIPE)),
        scores={"cam": score.miou, "cam, aux": score.aux_miou, **_confirmed(directory, winner)},
    )


def _confirmed(directory: Path, winner: int) -> dict[str, float]:
    """Return the mean over the seeds of a confirmation, where there was one of the winner."""
    confirmed = read_confirmation(directory)
    of_winner = confirmed and confirmed.of(winner)
    if not confirmed or not of_winner or of_winner.mean is None:
        return {}
    what = "cam" if confirmed.objective == CAM_MIOU else confirmed.objective
    return {f"{what}, mean of its confirmation": of_winner.mean}


def _of_run(directory: Path) -> Result:
    found = _evaluation_of(directory / FINAL_CHECKPOINT)
    if found is not None:
        return _of_evaluation(found, shown_path(directory))
    curves = read_curves(directory)
    if not curves:
        raise ValueError(
            f"{directory} has no score yet: python -m platform.evaluate "
            f"{directory / FINAL_CHECKPOINT}"
        )
    last = curves[-1]
    return Result(
        name=shown_path(directory),
        cards={},
        recipe=load_recipe(str(directory / RECIPE_FILE)),
        scores={"cam": last["score"], "cam, aux": last["aux_score"]},
    )
