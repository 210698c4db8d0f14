"""A search on Ray, for test_tune_study.py to start, to kill, and to start again."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import ray
from ray import tune

from platform.search.live_trials import LiveTrials
from platform.search.study import default_storage, open_storage
from platform.search.trial_protocol import FAILED
from platform.search.tune_scheduler import StudyScheduler
from platform.search.tune_searcher import StudySearcher
from tests.search.worlds import learning_curve, opener

REPOSITORY = str(Path(__file__).parents[2])


def trainable(config: dict[str, Any], directory: str) -> None:
    """Report a curve from where the trial's own record of it ends; trial 3 cannot be trained."""
    record = Path(directory) / f"trial-{config['number']}"
    scores = learning_curve(config["number"], config["params"])
    with record.open("a") as file:
        file.write(json.dumps(config["params"]) + "\n")
    for index, score in enumerate(scores):
        if config["number"] == 3:
            tune.report({FAILED: "out of luck"})
            return
        time.sleep(0.3)
        tune.report({"score": score, "iteration": 20 * (index + 1)})


def search(directory: Path, budget: int) -> LiveTrials:
    """Run or resume the search of the directory to its end."""
    live = opener(open_storage(default_storage(directory)), budget=budget)()
    print("unfinished", live.remaining(), flush=True)
    tune.Tuner(
        tune.with_resources(tune.with_parameters(trainable, directory=str(directory)), {"CPU": 1}),
        tune_config=tune.TuneConfig(
            search_alg=StudySearcher(live),
            scheduler=StudyScheduler(live),
            num_samples=-1,
            max_concurrent_trials=2,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name=f"session-{time.time_ns()}", storage_path=str(directory / "ray"), verbose=0
        ),
    ).fit()
    return live


def main() -> None:
    directory, budget = Path(sys.argv[1]), int(sys.argv[2])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": REPOSITORY, "OMP_NUM_THREADS": "1"}},
    )
    search(directory, budget)
    ray.shutdown()


if __name__ == "__main__":
    main()
