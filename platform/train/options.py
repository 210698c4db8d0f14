"""The options of a training run. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import UseAppendAction, arg

from platform.option_types import PLACE
from platform.resource_ranges import Auto
from toco_core.remote_path import Place


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who trains, and on what. One worker is this process; several are a DDP group on Ray."""

    workers: int = 1
    """Training workers (DDP), which share the images of each step."""
    cpus: Annotated[float | None, arg(metavar="FLOAT")] = None
    """CPUs of a training worker; by default its loading processes and one more beside a GPU, else
    an even share of what there is."""
    gpus: Annotated[float | None, arg(metavar="FLOAT")] = None
    """GPUs of a training worker; by default 1 where there are enough, else 0."""
    loaders: int | Auto = "auto"
    """Data loading processes of a training worker; auto is the CPUs beside its GPU less one, 12 at
    most, and 0 on a CPU, which loads between the steps."""
    scorers: int | Auto = "auto"
    """Evaluation workers beside several training workers, by default one; a single training worker
    scores by itself."""
    scorer_cpus: float = 0.1
    """CPUs of an evaluation worker."""
    scorer_gpus: float | Auto = "auto"
    """GPUs of an evaluation worker; auto is the share of a training GPU that its memory needs."""
    address: Annotated[str | None, arg(metavar="TEXT")] = None
    """A running Ray cluster (host:port or auto); by default Ray starts on this machine."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Train ToCo with one configuration, such as the winner of a search (--recipe .../best.yaml).

    The same command goes on with a run that was stopped, from its last checkpoint.
    """

    recipe: str = "partscenes"
    """A recipe of the package (partscenes, voc_vit_b, voc_deit_b, coco_vit_b, coco_deit_b), or a
    YAML file."""
    data: Annotated[str | None, arg(metavar="PATH|URI")] = None
    """The Parquet dataset, a path or s3:// URI, in place of the recipe's."""
    weights: Annotated[str | None, arg(metavar="FILE|timm|embedded|random")] = None
    """Weights of the backbone, in place of the recipe's: a .safetensors or .pth file of timm's
    names, for machines without internet; or where they come from."""
    set: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="KEY=VALUE")] = ()
    """Change a setting of the recipe, such as weights.ptc=0.3. May be given several times."""
    seed: Annotated[int | None, arg(metavar="INT")] = None
    """In place of the recipe's."""
    seeds: int = 1
    """Train so many times, one after the other, with seed, seed + 1 ...; ends with the mean."""
    split: str = "tune"
    """Scored while training goes on; none for data without masks."""
    name: Annotated[str | None, arg(metavar="TEXT")] = None
    """Names the run and its directory; by default train- and the name of the recipe."""
    reports: Annotated[Place, PLACE] = Path("reports")
    """Where runs and searches are kept: a directory, or an s3:// URI; on a cluster, a place that
    all machines see or reach."""
    preflight: bool = False
    """Train nothing: measure some steps and a score on this machine's device, and print memory and
    times."""
    compare_with: Annotated[Path | None, arg(metavar="RUN")] = None
    """The directory of another run: name the first iteration and loss in which this one differs
    from it, to the bit, and exit with 1 if there is one."""
    workers: Annotated[Workers, arg(name="")] = Workers()
