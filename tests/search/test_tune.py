from __future__ import annotations

import pytest
from ray.tune.error import TuneError

from platform.search.tune import own_error


def wrapped(error: Exception) -> TuneError:
    """Return what Tune makes of an error of our own: first a text, then that once more."""
    try:
        try:
            try:
                raise error
            except type(error):
                raise TuneError("Traceback ...")  # noqa: B904 - as Tune does it
        except TuneError as text:
            raise TuneError("The Ray Tune run failed") from text
    except TuneError as outer:
        return outer


def test_a_full_disk_is_found_behind_the_texts_of_tune() -> None:
    full = OSError(28, "No space left on device", "/reports/a/trials.parquet")
    assert own_error(wrapped(full)) is full


@pytest.mark.parametrize("error", [KeyError("a slip of ours"), TuneError("of Tune's own")])
def test_any_other_error_stays_what_tune_raised(error: Exception) -> None:
    outer = wrapped(error)
    assert own_error(outer) is outer
