"""A search from its options to its summary."""

from __future__ import annotations

import os

import optuna
from rich.console import Console

from platform.cluster.machine import device_for, is_on_cluster, this_machine
from platform.cluster.runtime import start_ray
from platform.command_line import INTERRUPTED, drawing_progress, shown_path, write_recipe
from platform.lock import only_one
from platform.search.largest import largest_configuration
from platform.search.options import SearchOptions
from platform.search.pruners import make_pruner
from platform.search.report_writing import ReportWriter
from platform.search.samplers import make_sampler
from platform.search.search_summary import print_summary
from platform.search.setup import (
    TUNE_SPLIT,
    SearchSetup,
    check_dataset,
    check_options,
    place_search,
)
from platform.search.study import default_storage, is_over, open_storage, open_study
from platform.search.winner import is_reported


def run_search(options: SearchOptions) -> int:
    """Run or resume a search; return the exit status of the command.

    Raises:
        ValueError: the options do not fit each other, the dataset or the machines.
        ConnectionError: there is no Ray cluster at the address.
    """
    console = Console()
    space, name = check_options(options)
    resources = options.resources
    if not is_on_cluster(resources.address):  # refused before Ray, which takes seconds, is started
        place_search([this_machine()], resources, space.recipe)
    elif options.preflight:
        raise ValueError("--preflight measures the machine it runs on: leave out --address")
    with drawing_progress(console) as progress:
        setup = check_dataset(space, name, options, progress)
    if options.preflight:
        return _preflight(setup, options, console)
    setup.directory.mkdir(parents=True, exist_ok=True)
    with only_one(setup.directory):
        study = _open_study(setup, options)
        write_recipe(setup.directory, setup.name, setup.space.recipe, "search")
        writer = ReportWriter(setup.directory, options.study, console)
        if is_over(study, options.trials) and is_reported(setup, study):
            status = print_summary(setup, study, console)
        else:
            with writer.every(options.report_every):
                status = _run_session(setup, options, study, console)
        if options.report and status != INTERRUPTED:
            writer.write()
        return status


def _preflight(setup: SearchSetup, options: SearchOptions, console: Console) -> int:
    from platform.forecast.preflight import Preflight, run_preflight  # torch

    params = largest_configuration(setup.space)
    recipe = setup.space.recipe_for(params)
    placement = place_search([this_machine()], options.resources, recipe)
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


def _open_study(setup: SearchSetup, options: SearchOptions) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return open_study(
        open_storage(options.study or default_storage(setup.directory)),
        setup.name,
        setup.space,
        sampler=make_sampler(options.sampler, setup.space, options.seed),
        pruner=make_pruner(options.pruner, setup.space.recipe.iterations),
        extra=setup.fingerprint(),
    )


def _run_session(
    setup: SearchSetup,
    options: SearchOptions,
    study: optuna.Study,
    console: Console,
) -> int:
    console.print(f"starting Ray (its log: {shown_path(setup.log_file)})", style="dim")
    _set_up_tune()
    # Tune takes seconds to import. Not in a thread meanwhile: with Ray starting, that may deadlock.
    from platform.search.session import Session

    resources = options.resources
    with start_ray(setup.log_file, address=resources.address, dashboard=resources.workers > 1):
        return Session(setup, options, study, console).run()


def _set_up_tune() -> None:
    """Switch off what Tune would print, log and save beside us: the study is the record."""
    variables = {
        "RAY_AIR_NEW_OUTPUT": "0",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "TUNE_GLOBAL_CHECKPOINT_S": "3600",
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_TRAIN_V2_ENABLED": "1",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours
    }
    os.environ.update(variables)
