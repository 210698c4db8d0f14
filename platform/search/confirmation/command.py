"""A confirmation from what is asked for to its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

import optuna
from rich.console import Console

from platform.cluster.machine import is_on_cluster, this_machine
from platform.cluster.runtime import start_ray
from platform.command_line import shown_path
from platform.lock import only_one
from platform.resource_ranges import most_of
from platform.results.progress import print_line
from platform.search.confirmation.chosen import Configuration, best_configurations
from platform.search.confirmation.confirmed import DIRECTORY
from platform.search.confirmation.outcome import is_scored, read_outcome
from platform.search.confirmation.runs import add_runs, open_runs, setup_runs
from platform.search.confirmation.tables import finish
from platform.search.opened import OpenedSearch
from platform.search.options import Resources, SearchOptions
from platform.search.setup import SearchSetup, place_search
from platform.search.tune_environment import set_up_tune


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What is asked for.

    Attributes:
        top: the best so many configurations of the search, beside the recipe.
        seeds: of each.
        name: of the directory within that of the search.
        hours, gpu_hours: budget of this session, or None; GPU-hours are those of all sessions of
            search and confirmation together.
    """

    top: int
    seeds: int
    name: str = DIRECTORY
    hours: float | None = None
    gpu_hours: float | None = None
    resources: Resources = field(default_factory=Resources)


def confirm(search: OpenedSearch, asked: Confirmation, console: Console) -> int:
    """Train what is missing, score it, and say what came of it; return the exit status.

    The same confirmation goes on where it stopped, and one of more seeds or configurations adds to
    those that are there.

    Raises:
        ValueError: there is nothing to confirm, what is there is of another search, or the machines
            cannot ever hold a run.
        ConnectionError: there is no Ray cluster at the address.
    """
    if search.setup.objective.others:
        raise ValueError(
            f"{search.setup.name} maximised {search.setup.objective.name}: a confirmation compares "
            "by one objective; train best.yaml and the recipe on further seeds (platform.train)"
        )
    if not is_on_cluster(asked.resources.address):  # refused before Ray is started
        place_search([this_machine()], asked.resources, search.setup.space.recipe)
    wanted = best_configurations(search.study, search.setup.space, asked.top)
    setup = setup_runs(search.setup, asked.name)
    setup.directory.mkdir(exist_ok=True)
    with only_one(setup.directory):
        study = open_runs(setup)
        chosen = add_runs(study, setup, wanted, asked.seeds)
        _say_what(setup, chosen, wanted, asked, console)
        if is_scored(setup, study):
            return finish(setup, read_outcome(setup, study, chosen), console)
        return _run(setup, study, chosen, asked, console)


def _say_what(
    setup: SearchSetup,
    chosen: list[Configuration],
    wanted: list[Configuration],
    asked: Confirmation,
    console: Console,
) -> None:
    names = ", ".join(one.name for one in chosen)
    print_line(console, f"confirming {names} of {shown_path(setup.directory.parent)}")
    if len(wanted) < asked.top:
        print_line(console, f"--top {asked.top}: the search has {len(wanted)} beside the recipe")
    missing = [one.name for one in wanted if one.params not in [each.params for each in chosen]]
    if missing:
        print_line(
            console,
            f"{', '.join(missing)} leads the search by now, but others were confirmed before: "
            "--top of more adds it, another --name begins anew",
        )


def _run(
    setup: SearchSetup,
    study: optuna.Study,
    chosen: list[Configuration],
    asked: Confirmation,
    console: Console,
) -> int:
    if asked.hours is not None and asked.hours <= 0:
        way_on = f"python -m platform.confirm {shown_path(setup.directory.parent)}"
        if setup.store is not None:
            way_on = "the same command with more --hours"
        print_line(console, f"the search has spent all its hours: {way_on} confirms it later")
        return 0
    runs = len(study.get_trials(deepcopy=False))
    options = SearchOptions(
        trials=runs,
        keep=runs,  # every one is scored on `report`, after the last of them
        hours=asked.hours,
        gpu_hours=asked.gpu_hours,
        # On a GPU two runs of one seed differ by rounding: each is evidence of its own.
        share_prefixes=False,
        resources=asked.resources,
    )
    print_line(console, f"starting Ray (its log: {shown_path(setup.log_file)})")
    set_up_tune()
    from platform.search.confirmation.session import ConfirmSession  # Tune takes seconds

    resources = asked.resources
    with start_ray(
        setup.log_file, address=resources.address, dashboard=most_of(resources.workers) > 1
    ):
        return ConfirmSession(setup, options, study, console, chosen).run()
