"""The paragraph for the methods section of a paper, filled in, and what it cites."""

from __future__ import annotations

import re
from importlib.metadata import version
from importlib.resources import files

from platform.report.rungs import rungs
from platform.report.searched import Searched
from platform.report.verdict import lead_of_winner
from platform.results.formats import gain, percent
from platform.results.objectives import Objective
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT

_SAMPLERS = {
    "curve": "a Gaussian-process model over configurations and training progress",
    "tpe": "the tree-structured Parzen estimator",
    "gp": "a Gaussian process",
    "cmaes": "CMA-ES",
    "random": "random search",
    "qmc": "a quasi-random sequence",
    "nsga2": "NSGA-II",
}
_DEFAULT_SAMPLER = "curve"  # what the search command takes when it is told nothing
_SAMPLER = re.compile(r"--sampler[ =](\w+)")


def methods_paragraph(searched: Searched) -> str:
    """Say how the search was done, in the words of a paper."""
    parts = [_what(searched), _how(searched), _score(searched), _found(searched)]
    return " ".join(part for part in parts if part)


def bibtex() -> str:
    """Return what the paragraph cites."""
    return files("platform.report").joinpath("templates", "references.bib").read_text("utf-8")


def _what(searched: Searched) -> str:
    ranges = [
        f"{one.key} ({one.describe()}{', logarithmic' if one.log else ''})"
        for one in searched.space.space.parameters
    ]
    return (
        f"We searched {len(ranges)} hyper-parameters of ToCo [ru2023toco] around the recipe "
        f"{searched.recipe.name}: {', '.join(ranges)}."
    )


def _how(searched: Searched) -> str:
    sampler = _SAMPLERS[_sampler(searched)]
    stops = [str(one.iteration) for one in rungs(searched)]
    stopped = sum(one.stopped for one in rungs(searched))
    early = f"; {stopped} were stopped early, at iteration {' or '.join(stops)}" if stops else ""
    return (
        f"{len(searched.trials)} configurations were proposed by {sampler} (Optuna "
        f"{version('optuna')} [akiba2019optuna]) and trained for up to "
        f"{searched.recipe.iterations} iterations on Ray {version('ray')} [moritz2018ray]{early}. "
        f"The recipe itself was trial 0. Each was trained with seed {searched.recipe.seed}, a "
        "repeated one with the next."
    )


def _sampler(searched: Searched) -> str:
    match = _SAMPLER.search(searched.made_by)
    return match[1] if match and match[1] in _SAMPLERS else _DEFAULT_SAMPLER


def _score(searched: Searched) -> str:
    images = searched.setup.get(f"images of {TUNE_SPLIT}")
    limit = searched.recipe.scoring.images
    scored = min(images, limit) if images and limit else images
    of = f" of {scored} images" if scored else ""
    names = [_name_of_score(one) for one in searched.objective.parts]
    what = names[0] if len(names) == 1 else f"each of: {'; '.join(names)}"
    best = ", at the best background threshold" if _is_at_best_threshold(searched) else ""
    masks = "" if searched.objective.needs_masks else " No mask was opened."
    return (
        f"A checkpoint's score was {what} on {TUNE_SPLIT}{of}{best}; image labels decided which "
        f"classes a CAM shows.{masks}"
    )


def _name_of_score(objective: Objective) -> str:
    return "the mIoU of its CAMs" if objective.field == "score" else f"the {objective.words}"


def _is_at_best_threshold(searched: Searched) -> bool:
    return any(one.field in ("score", "aux_score") for one in searched.objective.parts)


def _found(searched: Searched) -> str:
    lead, number = lead_of_winner(searched), searched.winner
    if number is None:
        return ""
    report, recipe = searched.report.get(number), searched.report.get(0)
    apart = ""
    if lead is not None and lead.half is not None:
        apart = (
            f" It leads the recipe by {gain(lead.value)} ± {100 * lead.half:.1f} points (95 % "
            "interval of a Gaussian-process model of all learning curves)."
        )
    unseen = ""
    if report and recipe:
        at_best = f", each at the threshold found on {TUNE_SPLIT}"
        each = at_best if _is_at_best_threshold(searched) else ""
        unseen = (
            f" On {REPORT_SPLIT}, opened once at the end, it reached "
            f"{percent(report.maximised)} against {percent(recipe.maximised)} of the recipe{each}."
        )
    why = "was picked off the front" if searched.is_picked else "was worth most"
    return f"The configuration of trial {number} {why}.{apart}{unseen}"
