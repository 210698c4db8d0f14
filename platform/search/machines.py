"""The machines of a search: what fits on them, come or to come, and what they all must see."""

from __future__ import annotations

from dataclasses import replace

from platform.cluster.machine import is_on_cluster
from platform.cluster.machines import Machines, unknown_line
from platform.cluster.placement import Placement
from platform.cluster.places import Places, mark_places
from platform.cluster.proof import require_seen
from platform.search.options import SearchOptions
from platform.search.setup import SearchSetup, place_search
from toco_core.settings import Recipe


def place_on(machines: Machines, options: SearchOptions, recipe: Recipe) -> Placement:
    """Fit a search on what the cluster is and can grow to.

    Raises:
        ValueError: it never fits; machines of which nobody knows what they have are named.
    """
    resources = options.resources
    # never more at once than there are trials, however many machines could come
    at_once = min(resources.concurrent or options.trials, options.trials)
    asked = replace(resources, concurrent=at_once)
    try:
        return place_search(machines.resources, asked, recipe, machines.possible)
    except ValueError as error:
        if not machines.unknown:
            raise
        raise ValueError(f"{error}; {unknown_line(machines.unknown)}") from error


def prove_places(machines: Machines, options: SearchOptions, setup: SearchSetup) -> Places | None:
    """Prove that every machine of a cluster sees what trials need; None on this one alone.

    Raises:
        ValueError: one does not; it is named.
    """
    if not is_on_cluster(options.resources.address):
        return None
    places = mark_places(setup.kept_in, setup.dataset)
    require_seen(machines.up, places)
    return places
