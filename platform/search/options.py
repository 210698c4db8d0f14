"""The options of a search. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import UseAppendAction, arg

from platform.option_types import GROUP, PLACE
from platform.resource_ranges import Auto, Group
from toco_core.remote_path import Place

Sampler = Literal["curve", "tpe", "gp", "cmaes", "random", "qmc", "nsga2"]
Pruner = Literal["halving", "median", "hyperband", "none"]
Tracker = Literal["tensorboard", "mlflow", "wandb"]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What runs at once, and on what. A cluster that cannot ever hold it is refused at once."""

    concurrent: Annotated[int | None, arg(metavar="INT")] = None
    """Trials at once; by default as many as fit, into the memory of the machines too."""
    workers: Annotated[Group, GROUP] = 1
    """Training workers of a trial (DDP). One trains in the trial's own process. Of 2-4, a trial
    takes as many as there is room for when it begins, and when it goes on after a loss."""
    cpus: Annotated[float | None, arg(metavar="FLOAT")] = None
    """CPUs of a training worker; by default its loading processes and one more beside a GPU, else
    what the scorers leave of one."""
    gpus: Annotated[float | None, arg(metavar="FLOAT")] = None
    """GPUs of a training worker; by default 1 where there are enough, else 0. A fraction shares one
    between trials."""
    scorers: int | Auto = "auto"
    """Evaluation workers, shared by all trials; auto is one on each machine whose GPUs train, and 2
    for trials on CPUs."""
    scorer_cpus: float = 0.1
    """CPUs of an evaluation worker."""
    scorer_gpus: float | Auto = "auto"
    """GPUs of an evaluation worker; auto is the share of a trial's GPU that its memory needs."""
    loaders: int | Auto = "auto"
    """Data loading processes of a training worker; auto is the CPUs beside its GPU less one, 12 at
    most, fewer where memory is short, and 0 on a CPU, which loads between the steps."""
    address: Annotated[str | None, arg(metavar="TEXT")] = None
    """A running Ray cluster (host:port or auto); by default Ray starts on this machine."""
    cluster: Annotated[Path | None, arg(metavar="FILE")] = None
    """Describes what the running cluster can grow to: a file of ray up, or a RayCluster or RayJob
    manifest; by default what its autoscaler follows."""


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """Search the hyper-parameters of ToCo: Ray runs the trials, Optuna proposes them.

    Without arguments it searches the embedded dataset, in minutes on a laptop. Trial 0 is always
    the recipe itself. The same command with the same --name goes on with a search that was stopped.
    """

    recipe: str = "partscenes"
    """A recipe of the package (partscenes, voc_vit_b, voc_deit_b, coco_vit_b, coco_deit_b), or a
    YAML file."""
    data: Annotated[str | None, arg(metavar="PATH|URI")] = None
    """The Parquet dataset, a path or s3:// URI, in place of the recipe's."""
    weights: Annotated[str | None, arg(metavar="FILE|timm|embedded|random")] = None
    """Weights of the backbone, in place of the recipe's: a .safetensors or .pth file of timm's
    names, for machines without internet; or where they come from."""
    space: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="NAME|FILE")] = ()
    """What to search: partscenes, ptc_layer, thresholds, loss_weights, full, or a YAML file.
    Give it several times to combine. Default: partscenes for the recipe of that name, else full."""
    trials: int = 12
    """Trials in all, earlier sessions of this search included."""
    hours: Annotated[float | None, arg(metavar="FLOAT")] = None
    """Stop after so many hours of this session."""
    gpu_hours: Annotated[float | None, arg(metavar="FLOAT")] = None
    """Stop after so many GPU-hours of training, all sessions together."""
    objective: Annotated[str, arg(metavar="NAME[,NAME]")] = "cam_miou"
    """What is maximised: cam_miou or aux_miou, mIoU of the final or of the auxiliary CAM; f1, of
    the image labels; unsupervised, what is known without opening a mask. Of several (cam_miou,f1)
    the front is found. A study keeps to what it began with; seg_miou is refused."""
    pick: Annotated[int | None, arg(metavar="NUMBER")] = None
    """Of a finished search of several objectives: the trial of the front that best.yaml and best.pt
    hold from now on; by default that of the highest first objective."""
    sampler: Sampler = "curve"
    """How Optuna proposes configurations."""
    learn_from: Annotated[UseAppendAction[tuple[Path, ...]], arg(metavar="DIR")] = ()
    """The directory of an earlier search (reports/NAME), of another dataset or recipe: --sampler
    curve learns from it where both search the same ranges. May be given several times."""
    pruner: Pruner = "halving"
    """Which trials stop early: halving and hyperband look at 20, 40 and 80 percent."""
    seed: int = 0
    """Of the sampler and of every trial."""
    keep: int = 5
    """Complete trials whose checkpoints are kept until the winner is known, beside trial 0: those
    of the highest last scores. The winner is one of them."""
    share_prefixes: bool = True
    """Train the steps that trials have in common once: a trial goes on from where one of equal
    settings so far was, as before a loss whose weight is searched is in force."""
    name: Annotated[str | None, arg(metavar="TEXT")] = None
    """Names the search and its directory; by default made of recipe and spaces."""
    reports: Annotated[Place, PLACE] = Path("reports")
    """Where searches are kept: a directory, or an s3:// URI that is read and written with the
    credentials of the environment; on a cluster, a place that all machines see or reach."""
    study: Annotated[str | None, arg(metavar="URL")] = None
    """Optuna storage URL; by default a journal file in the search's directory."""
    force: bool = False
    """Go on with a search that was begun with another recipe, dataset or code, though its scores
    may not compare; or begin anew where its study is gone and its trials are not."""
    set: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="KEY=VALUE")] = ()
    """Change a setting of the recipe, such as weights.ptc=0.3. May be given several times."""
    retry_failed: bool = False
    """Try again what failed in earlier sessions: the same parameters and seed under a new number,
    in place of the failed trial in --trials."""
    stall_minutes: Annotated[float | None, arg(metavar="FLOAT")] = None
    """Begin a trial again from its checkpoint that makes no progress for so long; by default 10, or
    50 times its own pace, and 30 for its start."""
    confirm: int = 0
    """Then train the best so many configurations and the recipe again on --confirm-seeds fresh
    seeds, within the hours that are left, and say which of them are better; 0 does not."""
    confirm_seeds: int = 5
    """Seeds of each configuration that is confirmed, 2 to 20."""
    report: bool = True
    """Write report.html into the search's directory when the session ends."""
    report_every: Annotated[float | None, arg(metavar="MINUTES")] = None
    """Write it anew so often while trials run."""
    preflight: bool = False
    """Search nothing: measure the largest configuration on this machine's device, and print its
    memory, the time of a step and of a score, and the GPU-hours of the whole search."""
    tracker: Annotated[UseAppendAction[tuple[Tracker, ...]], arg(metavar="NAME")] = ()
    """Who else keeps the scores, in the search's directory: tensorboard (the default), mlflow, or
    wandb, without network. Give it several times to combine."""
    status: Annotated[str | None, arg(metavar="NAME")] = None
    """Search nothing: print where the search of that name in --reports stands, whether it runs or
    not. It reads files only, and may be asked from another shell or machine."""
    json: bool = False
    """Print the --status as JSON."""
    resources: Annotated[Resources, arg(name="")] = Resources()
