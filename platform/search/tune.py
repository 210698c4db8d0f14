"""Ray Tune around the study: what runs a trial, who proposes, who prunes, what ends it all."""

from __future__ import annotations

import os
import time
from functools import partial

from ray import tune

from platform.cluster.placement import Placement
from platform.search.budget import Budget
from platform.search.live_trials import LiveTrials
from platform.search.monitor import EventForwarder
from platform.search.setup import TUNE_SPLIT, SearchSetup
from platform.search.trial import TrialPlan, run_trial
from platform.search.tune_scheduler import StudyScheduler
from platform.search.tune_searcher import StudySearcher
from platform.train.plan import RunPlan
from platform.workers.pool import PoolExecutor

# A trial whose process dies (memory, a lost machine) goes on from its checkpoint so many times.
MAX_TRIAL_FAILURES = 2


def make_tuner(
    trial_plan: TrialPlan,
    live: LiveTrials,
    forwarder: EventForwarder,
    budget: Budget,
    storage: str,
) -> tune.Tuner:
    """Make the tuner of one session; a resumed search gets a new one, the study has the rest.

    Args:
        trial_plan: what all trials have in common.
        live: the trials that are left.
        forwarder: hands on their events.
        budget: ends the session early.
        storage: a directory for what Tune writes.
    """
    at_once = trial_plan.placement.max_concurrent_trials
    # As many may start at once as fit: otherwise one waits until the process before it is up.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(at_once)
    trainable = partial(run_trial, plan=trial_plan)
    return tune.Tuner(
        tune.with_resources(trainable, dict(trial_plan.placement.driver)),
        tune_config=tune.TuneConfig(
            search_alg=StudySearcher(live),
            scheduler=StudyScheduler(live),
            num_samples=live.remaining(),
            max_concurrent_trials=at_once,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name=time.strftime("session-%Y%m%d-%H%M%S"),
            storage_path=storage,
            callbacks=[forwarder],
            stop=budget,
            failure_config=tune.FailureConfig(max_failures=MAX_TRIAL_FAILURES),
            verbose=0,
        ),
    )


def make_trial_plan(setup: SearchSetup, placement: Placement, executor: PoolExecutor) -> TrialPlan:
    """Return what all trials of a search have in common."""
    base = RunPlan(
        recipe=setup.space.recipe,
        dataset=setup.dataset,
        split=TUNE_SPLIT,
        directory=str(setup.trials_directory),
        num_workers=placement.loaders,
        masks=setup.objective.needs_masks,
    )
    maximised = setup.objective.field
    return TrialPlan(base=base, placement=placement, executor=executor, maximised=maximised)
