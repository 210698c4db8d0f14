from __future__ import annotations

from dataclasses import replace

import numpy as np

from platform.search.curve.averaged import AveragedModel, _fit, fit_averaged
from platform.search.curve.model import fit_model
from platform.search.curve.rows import Observed
from tests.search.curve.made_up import GROUPS, random_features, trial

FEATURES = random_features(np.random.default_rng(3), 14)


def trials() -> list[Observed]:
    rng = np.random.default_rng(4)
    ends = 0.6 + 0.05 * FEATURES[:, 0] + 0.01 * rng.normal(size=len(FEATURES))
    shares = np.array([0.7, 0.85, 0.95, 0.98, 1.0])
    return [trial(n, x, *(y * shares)) for n, (x, y) in enumerate(zip(FEATURES, ends, strict=True))]


def test_a_mixture_has_the_mean_and_the_variance_of_its_draws() -> None:
    model, rng = fit_averaged(trials(), GROUPS), np.random.default_rng(0)
    parts = [one.worth(FEATURES) for one in model.models]
    drawn = np.concatenate([rng.normal(m, s, (4000, len(FEATURES))) for m, s in parts])
    mean, sd = model.worth(FEATURES)
    np.testing.assert_allclose(mean, drawn.mean(0), atol=1e-3)
    np.testing.assert_allclose(sd, drawn.std(0), rtol=0.02)


def test_leads_are_those_of_its_draws() -> None:
    model, known = fit_averaged(trials(), GROUPS), trials()[0]
    lead, spread = model.lead_over_known(FEATURES[1:], known)
    each = np.array([one.lead_over_known(FEATURES[1:], known)[0] for one in model.models])
    np.testing.assert_allclose(lead, each.mean(0))
    assert (spread > each.std(0)).all()
    assert lead.shape == spread.shape == (len(FEATURES) - 1,)


def test_several_leads_are_those_of_one_at_a_time() -> None:
    model, known = fit_averaged(trials(), GROUPS), trials()[0]
    for asked in (
        lambda x: model.lead(x, known.features),
        lambda x: model.lead_over_known(x, known),
    ):
        together = np.stack(asked(FEATURES[1:6]))
        each = np.concatenate([np.stack(asked(x[None])) for x in FEATURES[1:6]], axis=1)
        np.testing.assert_allclose(together, each, rtol=1e-6)


def test_the_chance_to_lead_is_that_of_draws() -> None:
    model, rng = fit_averaged(trials(), GROUPS), np.random.default_rng(0)
    leads = [one.lead(FEATURES[1:], FEATURES[0]) for one in model.models]
    drawn = np.concatenate([rng.normal(mean, sd, (4000, len(mean))) for mean, sd in leads])
    chance = model.chance_to_lead(FEATURES[1:], FEATURES[0])
    np.testing.assert_allclose(chance, (drawn > 0).mean(0), atol=0.01)


def test_it_says_less_for_certain_than_the_most_probable_values() -> None:
    one, averaged = fit_model(trials(), GROUPS), fit_averaged(trials(), GROUPS)
    assert averaged.worth(FEATURES)[1].mean() > one.worth(FEATURES)[1].mean()
    alone = AveragedModel([one])
    np.testing.assert_array_equal(alone.worth(FEATURES), one.worth(FEATURES))


def test_the_same_trials_are_fitted_once_and_others_anew() -> None:
    model = fit_averaged(trials(), GROUPS)
    assert fit_averaged(trials(), GROUPS) is model
    *most, last = trials()
    other = fit_averaged([*most, replace(last, scores=last.scores + 0.1)], GROUPS)
    assert other is not model
    assert (other.worth(FEATURES)[0] != model.worth(FEATURES)[0]).any()


def test_a_fit_repeats_itself() -> None:
    model = fit_averaged(trials(), GROUPS)
    _fit.cache_clear()
    np.testing.assert_array_equal(
        fit_averaged(trials(), GROUPS).worth(FEATURES), model.worth(FEATURES)
    )
