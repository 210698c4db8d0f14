"""Ray Tune around the study: what runs a trial, who proposes, who prunes, what ends it all."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Collection, Sequence
from functools import partial

from ray import tune
from ray.tune.error import TuneError

from platform.cluster.placement import Placement, Resources, make_placement
from platform.cluster.places import Places
from platform.cluster.ray_internals import HEAD_RESOURCE, survive_memory_kills
from platform.cluster.remote import machines_up
from platform.search.budget import Budget
from platform.search.farewell import Farewell
from platform.search.faults import HasRoom
from platform.search.live_trials import LiveTrials
from platform.search.monitor import EventForwarder
from platform.search.setup import TUNE_SPLIT, SearchSetup
from platform.search.stall_callback import StallCallback
from platform.search.trial import TrialPlan, run_trial
from platform.search.trial_process import trial_process
from platform.search.tune_scheduler import StudyScheduler
from platform.search.tune_searcher import StudySearcher
from platform.train.plan import RunPlan, Sharing
from platform.workers.pool import PoolExecutor

_LEAST = 0.0001  # that Ray counts: so many drivers share the head's resource that there is 1 of


def make_tuner(
    trial_plan: TrialPlan,
    live: LiveTrials,
    forwarder: EventForwarder,
    stalls: StallCallback,
    budget: Budget,
    storage: str,
) -> tune.Tuner:
    """Make the tuner of one session; a resumed search gets a new one, the study has the rest.

    Args:
        trial_plan: what all trials have in common.
        live: the trials that are left.
        forwarder: hands on their events.
        stalls: ends those that make no progress.
        budget: ends the session early; the trials save first.
        storage: a directory for what Tune writes.
    """
    farewell = Farewell(budget, live, trial_plan.base.recipe.iterations)
    at_once = trial_plan.placement.max_concurrent_trials
    # As many may start at once as fit: otherwise one waits until the process before it is up.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(at_once)
    survive_memory_kills()
    trainable = partial(run_trial, plan=trial_plan)
    return tune.Tuner(
        trial_process(tune.with_resources(trainable, _driver(trial_plan.placement))),
        tune_config=tune.TuneConfig(
            search_alg=StudySearcher(live),
            scheduler=StudyScheduler(live, stalls.watch),
            num_samples=-1,  # attempts at trials, of which there may be more than trials
            max_concurrent_trials=at_once,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name=time.strftime("session-%Y%m%d-%H%M%S"),
            storage_path=storage,
            callbacks=[stalls, farewell, forwarder],  # the last takes the events out
            stop=farewell,
            # An attempt that breaks is over; the study hands the trial out again (`faults.py`).
            failure_config=tune.FailureConfig(max_failures=0),
            verbose=0,
        ),
    )


def _driver(placement: Placement) -> dict[str, float]:
    """Return what a trial's driver asks for: one that only waits is safest on the head."""
    on_head = {HEAD_RESOURCE: _LEAST} if placement.drivers_on_head else {}
    return {**placement.driver, **on_head}


def run_tuner(tuner: tune.Tuner) -> None:
    """Let Tune run until the trials are over, or the session is.

    Raises:
        OSError: a file of the search cannot be written, as where a disk is full. Tune words what
            our own parts raise as a text; here it is raised as it was there.
    """
    try:
        tuner.fit()
    except TuneError as error:
        raise own_error(error) from error


def own_error(error: BaseException) -> BaseException:
    """Return the first `OSError` that an error came of, or the error itself."""
    found, chain = error, error.__cause__ or error.__context__
    while chain is not None:
        found = chain if isinstance(chain, OSError) else found
        chain = chain.__cause__ or chain.__context__
    return found


def make_trial_plan(
    setup: SearchSetup,
    placement: Placement,
    executor: PoolExecutor,
    places: Places | None = None,
    *,
    count_images: int = 0,
    share_prefixes: bool = False,
) -> TrialPlan:
    """Return what all trials of a search have in common."""
    masks = setup.objective.needs_masks
    sharing = Sharing(
        directory=str(setup.prefixes_directory), conditions={"dataset": setup.content}
    )
    base = RunPlan(
        recipe=setup.space.recipe,
        dataset=setup.dataset,
        split=TUNE_SPLIT,
        directory=str(setup.trials_directory),
        num_workers=placement.loaders,
        masks=masks,
        count_images=count_images if masks else 0,
    )
    return TrialPlan(
        base=base,
        placement=placement,
        executor=executor,
        places=places,
        maximised=setup.objective.fields,
        sharing=sharing if share_prefixes else None,
    )


def room_for_a_trial(placement: Placement, possible: Sequence[Resources] = ()) -> HasRoom:
    """Return what tells whether a trial still fits where some machines are avoided.

    Args:
        placement: of the search.
        possible: resources of each machine that could join.
    """

    def has_room(avoided: Collection[str]) -> bool:
        up = machines_up()
        left = [*(machine.resources for machine in up if machine.id not in avoided), *possible]
        if not left:
            return False
        share = len(left) / max(len(up) + len(possible), 1)
        try:
            make_placement(
                left,
                workers_per_trial=placement.least_workers,
                worker=placement.worker,
                scorers=math.ceil(placement.scorers * share),
                scorer=placement.scorer,
                trials=1,
            )
        except ValueError:
            return False
        return True

    return has_room
