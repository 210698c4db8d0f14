from __future__ import annotations

import numpy as np

from platform.search.curve.model import fit_model
from tests.search.curve.made_up import GROUPS, random_features, trial


def test_a_known_configuration_counts_for_what_its_own_training_reached() -> None:
    rng = np.random.default_rng(3)
    features = random_features(rng, 16)
    ends = [0.70, *(0.6 + 0.02 * rng.normal(size=15))]  # better than all that lie around it
    trials = [
        trial(number, x, *(end * np.array([0.7, 0.85, 0.95, 0.98, 1.0])))
        for number, (x, end) in enumerate(zip(features, ends, strict=True))
    ]
    known, *others = trials
    model = fit_model(trials, GROUPS)
    (worth,), _ = model.worth(known.features[None])
    other = others[int(np.argmax(ends[1:]))]
    (lead,), (spread,) = model.lead(other.features[None], known.features)
    (over_known,), (its_spread,) = model.lead_over_known(other.features[None], known)
    assert worth < 0.69, "the model believes that it is more like the others"
    assert over_known < lead
    assert its_spread > spread
    (mean,), _ = model.worth(other.features[None])
    assert mean - over_known > worth + 0.5 * (0.70 - worth), "near what its training reached"
