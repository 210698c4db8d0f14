"""A search from its options to its summary."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import optuna
from rich.console import Console

from platform.cluster.machine import device_for, is_on_cluster, this_machine
from platform.cluster.runtime import session_directory, start_ray
from platform.cluster.session_directory import session_line
from platform.command_line import INTERRUPTED, drawing_progress, shown_path, write_recipe
from platform.datasets import recipe_remarks
from platform.lock import only_one
from platform.mirror.work import work_in_stores
from platform.resource_ranges import most_of
from platform.results.progress import print_line
from platform.search.confirmation.command import Confirmation, confirm
from platform.search.earlier import EarlierSearch, read_earlier
from platform.search.front.judged import pick
from platform.search.largest import largest_configuration
from platform.search.opened import OpenedSearch, write_space
from platform.search.options import SearchOptions
from platform.search.reopen import open_search
from platform.search.report_writing import ReportWriter
from platform.search.retries import enqueue_failed
from platform.search.search_summary import print_summary
from platform.search.setup import (
    TUNE_SPLIT,
    SearchSetup,
    check_dataset,
    place_search,
    search_directory,
)
from platform.search.space.checked import CheckedSpace
from platform.search.study import is_over
from platform.search.tune_environment import set_up_tune
from platform.search.winner import is_reported, restore_best
from toco_core.remote_path import RemotePath
from toco_core.settings.late_losses import late_losses


def run_search(options: SearchOptions, space: CheckedSpace, name: str) -> int:
    """Run or resume a search; return the exit status of the command.

    Args:
        options: of the command, checked.
        space: what they search.
        name: of the search.

    Raises:
        ValueError: the options do not fit the dataset, the machines or an earlier session.
        ConnectionError: there is no Ray cluster at the address.
    """
    console = Console()
    earlier = _earlier(options, space, name, console)
    resources = options.resources
    if not is_on_cluster(resources.address):  # refused before Ray, which takes seconds, is started
        place_search([this_machine()], resources, space.recipe)
    elif options.preflight:
        raise ValueError("--preflight measures the machine it runs on: leave out --address")
    with drawing_progress(console) as progress:
        setup = check_dataset(space, name, options, progress)
    remarks = recipe_remarks(options.recipe, space.recipe, setup.dataset)
    for line in [*late_losses(space.recipe), *remarks]:
        print_line(console, line)
    if options.preflight:
        return _preflight(setup, options, console)
    if setup.store is not None:
        return _search_there(setup, setup.store, options, earlier, console)
    setup.directory.mkdir(parents=True, exist_ok=True)
    with only_one(setup.directory):
        return _search(setup, options, earlier, console)


def _search_there(
    setup: SearchSetup,
    store: RemotePath,
    options: SearchOptions,
    earlier: Sequence[EarlierSearch],
    console: Console,
) -> int:
    def search(stores: list[RemotePath]) -> int:
        return _search(setup, options, earlier, console, stores[0])

    return work_in_stores([store], "search", partial(print_line, console), search)


def _search(
    setup: SearchSetup,
    options: SearchOptions,
    earlier: Sequence[EarlierSearch],
    console: Console,
    store: RemotePath | None = None,
) -> int:
    """Go on with a search, or begin it, in a directory that this process holds."""
    began = time.monotonic()
    study = open_search(setup, options, partial(print_line, console), earlier)
    if store is not None:  # from here on the record of a trial's end goes before its checkpoints
        setup = replace(setup, store=store)
    if options.retry_failed:
        _retry_failed(study, console)
    write_recipe(setup.directory, setup.name, setup.space.recipe, "search")
    write_space(setup)
    if options.pick is not None:
        _pick(setup, study, options.pick, options.trials)
    writer = ReportWriter(setup.directory, options.study, console)
    if is_over(study, options.trials) and is_reported(setup, study):
        for line in restore_best(setup, study, anew=options.pick is not None):
            print_line(console, line)
        status = print_summary(setup, study, console)
    else:
        with writer.every(options.report_every):
            status = _run_session(setup, options, study, console)
    if options.report and status != INTERRUPTED:
        writer.write()
    if status or not options.confirm or not is_over(study, options.trials):
        return status
    search = OpenedSearch(setup=setup, study=study)
    status = confirm(search, _confirmation(options, time.monotonic() - began), console)
    if options.report and not status:
        writer.write()  # which has the verdict now
    return status


def _pick(setup: SearchSetup, study: optuna.Study, number: int, trials: int) -> None:
    if not is_over(study, trials):
        raise ValueError(f"--pick {number}: the search is not over yet; leave it out until then")
    pick(study, setup.space, number)


def _confirmation(options: SearchOptions, seconds: float) -> Confirmation:
    """Return what is confirmed in the time that a session of so many seconds has left."""
    hours = None if options.hours is None else options.hours - seconds / 3600
    return Confirmation(
        top=options.confirm,
        seeds=options.confirm_seeds,
        hours=hours,
        gpu_hours=options.gpu_hours,
        resources=options.resources,
    )


def _preflight(setup: SearchSetup, options: SearchOptions, console: Console) -> int:
    from platform.forecast.preflight import Preflight, run_preflight  # torch
    from platform.search.machines import place_here  # Ray

    params = largest_configuration(setup.space)
    recipe = setup.space.recipe_for(params)
    placement = place_here(options.resources, recipe, setup.dataset)
    plan = Preflight(
        recipe=recipe,
        params=params,
        dataset=setup.dataset,
        split=TUNE_SPLIT,
        device=device_for(placement.gpus_per_trial),
        placement=placement,
        runs=options.trials,
    )
    return run_preflight(plan, console)


def _earlier(
    options: SearchOptions, space: CheckedSpace, name: str, console: Console
) -> list[EarlierSearch]:
    """Read the searches to learn from, and say what is learnt."""
    own, _ = search_directory(options.reports, name)
    if own in [one.absolute() for one in options.learn_from]:
        raise ValueError(
            f"--learn-from {options.reports / name} is this search itself: leave it out"
        )
    earlier = [read_earlier(one, space, options.objective) for one in options.learn_from]
    for one in earlier:
        console.print(one.describe(), style="dim", highlight=False, markup=False, soft_wrap=True)
    return earlier


def _retry_failed(study: optuna.Study, console: Console) -> None:
    numbers = ", ".join(map(str, enqueue_failed(study)))
    text = f"trying again: trial {numbers}" if numbers else "no trial has failed"
    console.print(text, style="dim", highlight=False)


def _run_session(
    setup: SearchSetup,
    options: SearchOptions,
    study: optuna.Study,
    console: Console,
) -> int:
    console.print(f"starting Ray (its log: {shown_path(setup.log_file)})", style="dim")
    set_up_tune()
    # Tune takes seconds to import. Not in a thread meanwhile: with Ray starting, that may deadlock.
    from platform.search.session import Session

    resources = options.resources
    several = most_of(resources.workers) > 1
    with start_ray(setup.log_file, address=resources.address, dashboard=several) as context:
        if not is_on_cluster(resources.address):
            print_line(console, session_line(session_directory(context)))
        return Session(setup, options, study, console).run()
