"""The machines of a search: what fits on them, come or to come, and what they all must see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from platform.cluster.host_memory import HostMemory, this_memory
from platform.cluster.machine import is_on_cluster, this_machine
from platform.cluster.machines import Machines, unknown_line
from platform.cluster.placement import Placement
from platform.cluster.places import Places, mark_places
from platform.cluster.proof import require_seen
from platform.forecast.host_memory import HostUse, host_use
from platform.forecast.room import Host, hosts_of
from platform.search.backbone import encoder_size
from platform.search.host_memory import Fitted, fit_in_memory
from platform.search.largest import largest_configuration
from platform.search.options import Resources, SearchOptions
from platform.search.setup import SearchSetup, place_search
from toco_core.data.reader import open_dataset
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


def place_in_memory(
    machines: Machines,
    memory: Sequence[HostMemory | None],
    options: SearchOptions,
    setup: SearchSetup,
) -> Fitted:
    """Fit a search on what the cluster is and can grow to, and into its memory.

    Args:
        machines: of the cluster.
        memory: of each that is up, where it is known.
        options: of the command.
        setup: of the search.

    Raises:
        ValueError: it never fits.
    """
    largest = setup.space.recipe_for(largest_configuration(setup.space))

    def place(resources: Resources) -> Placement:
        return place_on(machines, replace(options, resources=resources), setup.space.recipe)

    hosts = hosts_of(machines, memory)
    return fit_in_memory(place, options.resources, hosts, _use_of(largest, setup.dataset))


def place_here(resources: Resources, recipe: Recipe, dataset: str) -> Placement:
    """Fit a search on this machine, and into its memory, without Ray."""
    here = Host(name="this machine", resources=this_machine(), memory=this_memory())
    place = partial(place_search, [here.resources], recipe=recipe)
    return fit_in_memory(place, resources, [here], _use_of(recipe, dataset)).placement


def _use_of(recipe: Recipe, dataset: str) -> Callable[[Placement], HostUse]:
    """Return what estimates the memory of a search's processes, for a placement of them."""
    split, size = open_dataset(dataset).split("train"), encoder_size(recipe.backbone)
    is_local = split.location.is_local
    return lambda placement: host_use(recipe, size, placement, split.most_kept, is_local=is_local)


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
