"""The options of a confirmation. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from tyro.conf import Positional, arg

from platform.option_types import PLACE
from platform.search.options import Resources
from toco_core.remote_path import Place


@dataclass(frozen=True, kw_only=True)
class ConfirmOptions:
    """Train the best configurations of a search and its recipe again, on equal fresh seeds.

    Says which of them are better than the recipe, which cannot be told apart from it, and how many
    seeds would tell. The same command goes on with a confirmation that was stopped.
    """

    search: Positional[Annotated[Place, PLACE]]
    """The directory of a search, such as reports/partscenes, which may still run; or
    s3://bucket/reports/partscenes, which may not."""
    top: int = 3
    """The best so many configurations, by what they are worth."""
    seeds: int = 5
    """Runs of each configuration, 2 to 20; more than before adds to what is there."""
    name: str = "confirm"
    """Names the directory of the confirmation, within that of the search."""
    hours: Annotated[float | None, arg(metavar="FLOAT")] = None
    """Stop after so many hours of this session."""
    gpu_hours: Annotated[float | None, arg(metavar="FLOAT")] = None
    """Stop after so many GPU-hours of training, those of the search included."""
    data: Annotated[str | None, arg(metavar="PATH|URI")] = None
    """The Parquet dataset, where it is no longer at the place that the search's recipe names."""
    study: Annotated[str | None, arg(metavar="URL")] = None
    """Optuna storage URL of the search, where it was given one."""
    resources: Annotated[Resources, arg(name="")] = field(default_factory=Resources)
