from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from toco_core.crf_package import require_crf


def test_a_crf_is_refused_by_name_exactly_where_its_package_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if find_spec("pydensecrf") is not None:
        require_crf()
    monkeypatch.setattr(sys, "meta_path", [])  # nothing can be found any more
    monkeypatch.delitem(sys.modules, "pydensecrf", raising=False)
    with pytest.raises(ValueError, match=r"the CRF needs pydensecrf2.* 3\.11 or 3\.12"):
        require_crf()
