"""The options of the data command. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg, subcommand

SourcePath = Annotated[Positional[Path], arg(metavar="SOURCE")]
Target = Annotated[Positional[str], arg(metavar="TARGET")]
Share = Annotated[str, arg(metavar="SHARE")]
Classes = Annotated[tuple[str, ...], arg(metavar="CLASS ...")]
Foreground = Annotated[int | None, arg(metavar="INT")]


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How it is written. The same command goes on with a writing that was interrupted."""

    on_error: Literal["stop", "skip"] = "stop"
    """Whether an image that is corrupt, incomplete or mislabelled ends the writing, by name, or is
    left out and counted."""
    processes: Annotated[int | None, arg(metavar="INT")] = None
    """Processes that read and decode; by default one for each core."""
    overwrite: bool = False
    """Replace what is at TARGET."""


@dataclass(frozen=True, kw_only=True)
class VocOptions:
    """Write PASCAL VOC 2012; train is train_aug if SegmentationClassAug (SBD) is there."""

    source: SourcePath
    """The VOC2012 directory, or VOCdevkit."""
    target: Target
    """Where the dataset goes: a directory, or s3://bucket/path."""
    tune: Share = "train"
    """Images whose masks a search may look at: VOC's list train or val, train:300 for so many of
    it, train:20% for a part, or none. They stay in train too, without their masks."""
    report: Share = "val"
    """Images whose masks only the final report looks at, in the same words; none of them is in
    train. Without a number it takes what tune leaves."""
    seed: int = 0
    """Draws the shares that are parts of a pool."""
    classes: Classes = ()
    """Names of a tree's own classes, in the order of their labels in the masks; by default VOC's
    20."""
    foreground: Foreground = None
    """The value that stands for the one class in the masks, such as 255; by default it is 1."""
    writing: Annotated[Writing, arg(name="")] = Writing()


@dataclass(frozen=True, kw_only=True)
class CocoOptions:
    """Write COCO 2014 or 2017: 80 classes, in ascending order of their ids."""

    source: SourcePath
    """A directory with annotations, train2014 and val2014 (or these in images), or of 2017."""
    year: Annotated[int | None, arg(metavar="INT")] = None
    """Of the names of files and directories; by default that of instances_train*.json."""
    target: Target
    """Where the dataset goes: a directory, or s3://bucket/path."""
    tune: Share = "train:2000"
    """Images whose masks a search may look at: train (train2014) or val (val2014), train:300 for so
    many of it, train:20% for a part, or none. They stay in train too, without their masks."""
    report: Share = "val"
    """Images whose masks only the final report looks at, in the same words; none of them is in
    train. Without a number it takes what tune leaves."""
    seed: int = 0
    """Draws the shares that are parts of a pool."""
    writing: Annotated[Writing, arg(name="")] = Writing()


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Write a folder of images with a table of labels, and masks if there are any."""

    source: SourcePath
    """The directory in which the following are."""
    target: Target
    """Where the dataset goes: a directory, or s3://bucket/path."""
    images: Path = Path("images")
    """Directory of the images, JPEG or PNG."""
    labels: Path = Path("labels.csv")
    """Table of the labels: name,label,label or name,label;label in each line, or a heading
    name,class,class above lines of name,1,0. Between cells: , or ; or tab."""
    masks: Annotated[Path | None, arg(metavar="PATH")] = None
    """Directory of the masks, NAME.png or NAME_mask.png for an image NAME; by default masks, if it
    is there."""
    classes: Classes = ()
    """Class names in the order of their labels in the masks; by default those of the table: sorted,
    or in the order of its columns where each class has one."""
    foreground: Foreground = None
    """The value that stands for the one class in the masks, such as 255; by default it is 1."""
    tune: Share = "masks:20%"
    """Images whose masks a search may look at: masks (all images with one), masks:300 for so many
    of them, masks:20% for a part, or none. They stay in train too, without their masks."""
    report: Share = "masks:20%"
    """Images whose masks only the final report looks at, in the same words; none of them is in
    train. Without a number it takes what tune leaves."""
    seed: int = 0
    """Draws the shares that are parts of a pool."""
    writing: Annotated[Writing, arg(name="")] = Writing()


@dataclass(frozen=True, kw_only=True)
class PartScenesOptions:
    """Draw PartScenes from a seed, which is its SOURCE."""

    source: Annotated[Positional[int], arg(metavar="SEED")]
    """Of the pictures."""
    target: Target
    """Where the dataset goes: a directory, or s3://bucket/path."""
    size: int = 64
    """Side of the pictures, px."""
    train: int = 2000
    """Pictures to train on, without masks."""
    tune: int = 160
    """Pictures with masks that a search may look at."""
    report: int = 400
    """Pictures with masks that only the final report looks at."""
    writing: Annotated[Writing, arg(name="")] = Writing()


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """Read and decode every row of a dataset, and count images by class and split."""

    target: Target
    """The dataset: a directory, or s3://bucket/path."""
    processes: Annotated[int | None, arg(metavar="INT")] = None
    """Processes that read and decode; by default one for each core."""


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """Look at what a frozen backbone knows of a dataset, before anything is trained.

    For each block: how well linear classifiers tell the classes apart by the class token and by the
    patch tokens, and how alike the patch tokens are. Then what is suspicious, and a recipe to start
    from. No mask is opened.
    """

    target: Target
    """The dataset: a directory, or s3://bucket/path."""
    backbone: Annotated[str | None, arg(metavar="NAME")] = None
    """A plain ViT of timm, or partscenes_vit; by default that of the recipe."""
    weights: Annotated[str | None, arg(metavar="FILE|timm|embedded|random")] = None
    """Its weights: a .safetensors or .pth file of timm's names, or where they come from; by default
    as the recipe has it."""
    recipe: Annotated[str | None, arg(metavar="NAME|FILE")] = None
    """The recipe that the suggestions start from: of the package, or a YAML file; by default
    partscenes for partscenes_vit, the embedded backbone, and voc_vit_b for all others."""
    size: Annotated[int | None, arg(metavar="INT")] = None
    """Side to which the images are resized, px; by default the recipe's crop, made to fit whole
    patches."""
    images: int = 600
    """Images of train at most, drawn at random."""
    seed: int = 0
    """Draws the images, and those that are held out from the classifiers."""
    output: Annotated[Path | None, arg(metavar="FILE")] = None
    """Where the suggested recipe is written, such as own.yaml."""


WriteOptions = VocOptions | CocoOptions | FolderOptions | PartScenesOptions
DataOptions = (
    Annotated[VocOptions, subcommand("voc", prefix_name=False)]
    | Annotated[CocoOptions, subcommand("coco", prefix_name=False)]
    | Annotated[FolderOptions, subcommand("folder", prefix_name=False)]
    | Annotated[PartScenesOptions, subcommand("partscenes", prefix_name=False)]
    | Annotated[CheckOptions, subcommand("check", prefix_name=False)]
    | Annotated[ProbeOptions, subcommand("probe", prefix_name=False)]
)
