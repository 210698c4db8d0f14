"""Every setting of a ToCo run: frozen, validated, and equal after a trip through YAML.

This module imports neither torch nor ray, so that a command line can show its help at once.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from toco_core.text_files import has_control

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


def _require_one_line(text: str) -> str:
    if has_control(text):
        raise ValueError("a text without line breaks and NUL is needed")
    return text


Text = Annotated[str, AfterValidator(_require_one_line)]
ConcretePrecision = Literal["float32", "bfloat16", "float16"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
ClassifierInit = Literal["zero", "uniform"]

# What a setting declares beside its range; `toco_core.settings.effects` reads it.
Declared = dict[str, JsonValue]

# Of settings that may differ when a run goes on from its checkpoint: but for rounding, they have no
# part in its steps, and its scores stay comparable. Every other setting has to be as it was.
MAY_CHANGE_ON_RESUME: Declared = {"may_change_on_resume": True}


# Of settings that only some terms of the loss read, named after their weights: they have no part in
# a step, or in a score, before the first of these terms is in force. What declares nothing has a
# part from the first step on; what no term reads has none in any.
def _read_by(*terms: str) -> Declared:
    return {"read_by": [*terms]}


def _weight_from(stage: str) -> Declared:
    return {"stage": stage}  # that the term of this weight begins with


def _begins(*terms: str) -> Declared:
    return {**_read_by(*terms), "is_iteration": True}  # has a part from its own value on


_CONTRAST = ("ptc", "ctc")
_SEGMENTATION = ("seg", "energy")


class Section(BaseModel):
    """Base of all settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Backbone(Section):
    """The Vision Transformer, and the block that supplies the token relations of PTC."""

    name: Text = Field(
        default="vit_base_patch16_224",
        description="a timm model, or partscenes_vit (in the package)",
    )
    weights: Text = Field(
        default="timm",
        description="timm (downloads), embedded, random, or the path of a file",
        json_schema_extra=MAY_CHANGE_ON_RESUME,
    )
    aux_layer: int = Field(
        default=-3,
        description="block of the auxiliary classifier and of PTC; negative from the end",
    )
    drop_path: Probability = Field(
        default=0.0, description="stochastic depth rate of the last block"
    )


class Data(Section):
    """Where the images come from, and what is done to them before the augmentation of the views."""

    source: Text = Field(
        default="partscenes",
        description="partscenes (in the package), or a Parquet dataset: a path or s3://",
        json_schema_extra=MAY_CHANGE_ON_RESUME,
    )
    crop_size: int = Field(
        default=448, ge=16, description="side of the training crop and of the CAM evaluation, px"
    )
    scale_range: tuple[Positive, Positive] = Field(
        default=(0.5, 2.0), description="random rescaling before the crop"
    )
    flip: bool = Field(default=True, description="random mirroring")
    images_per_step: int = Field(
        default=4, ge=1, description="images in one step, over all workers together"
    )

    @model_validator(mode="after")
    def _scales_in_order(self) -> Self:
        if self.scale_range[0] > self.scale_range[1]:
            raise ValueError(f"data.scale_range {self.scale_range} is not (smallest, largest)")
        return self


class Optimiser(Section):
    """AdamW with a linear warm-up and polynomial decay (paper, section 4.1)."""

    lr: Positive = Field(default=6e-5, description="base rate of the encoder")
    head_lr_factor: Positive = Field(
        default=10.0, description="everything else learns this much faster"
    )
    classifier_lr_factor: Positive = Field(
        default=1.0, description="both classifiers, beside head_lr_factor"
    )
    decoder_lr_factor: Positive = Field(
        default=1.0,
        description="the segmentation head, beside head_lr_factor",
        json_schema_extra=_read_by(*_SEGMENTATION),
    )
    projection_lr_factor: Positive = Field(
        default=1.0,
        description="the projection head of CTC, beside head_lr_factor",
        json_schema_extra=_read_by("ctc"),
    )
    freeze: int = Field(
        default=0,
        ge=0,
        description="first iterations in which the heads learn and the backbone does not",
    )
    weight_decay: Weight = Field(default=0.01, description="of all weights, biases and norms too")
    betas: tuple[Probability, Probability] = Field(
        default=(0.9, 0.999), description="decay of AdamW's two running means"
    )
    warmup: int = Field(default=1500, ge=0, description="iterations of linear warm-up")
    warmup_ratio: Positive = Field(default=1e-6, description="first factor of the warm-up")
    power: Positive = Field(default=0.9, description="exponent of the polynomial decay")


class Stages(Section):
    """From which iteration each part of the loss is in force."""

    contrast: int = Field(
        default=0,
        ge=0,
        description="first iteration with PTC and CTC",
        json_schema_extra=_begins(*_CONTRAST),
    )
    segmentation: int = Field(
        default=2000,
        ge=0,
        description="first iteration with the segmentation and energy losses",
        json_schema_extra=_begins(*_SEGMENTATION),
    )
    final_cam: int = Field(
        default=0,
        ge=0,
        description="first iteration whose refined labels come from the final CAM",
        json_schema_extra=_begins(*_SEGMENTATION),
    )


class Thresholds(Section):
    """CAM thresholds (paper, section 3.2).

    Background up to `low`, foreground from `high`, uncertain between.
    """

    low: Probability = Field(
        default=0.25,
        description="background up to this CAM value",
        json_schema_extra=_read_by(*_CONTRAST, *_SEGMENTATION),
    )
    high: Probability = Field(
        default=0.70,
        description="foreground from this CAM value",
        json_schema_extra=_read_by(*_CONTRAST, *_SEGMENTATION),
    )
    bkg: Probability = Field(
        default=0.50,
        description="background threshold of a scored CAM; training does not see it",
        json_schema_extra=MAY_CHANGE_ON_RESUME | _read_by(),
    )

    @model_validator(mode="after")
    def _low_below_high(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"thresholds.low {self.low} must be below thresholds.high {self.high}")
        return self


class LossWeights(Section):
    """Weights of the terms beside the two classification losses (paper, equation 8).

    0 switches a term off.
    """

    ptc: Weight = Field(
        default=0.2,
        description="of patch-token contrast",
        json_schema_extra=_weight_from("contrast"),
    )
    ctc: Weight = Field(
        default=0.5,
        description="of class-token contrast",
        json_schema_extra=_weight_from("contrast"),
    )
    seg: Weight = Field(
        default=0.1,
        description="of the segmentation loss",
        json_schema_extra=_weight_from("segmentation"),
    )
    energy: Weight = Field(
        default=0.05,
        description="of the dense energy",
        json_schema_extra=_weight_from("segmentation"),
    )


class ClassTokenContrast(Section):
    """Class-token contrast of whole images and uncertain local regions (paper, section 3.3)."""

    temperature: Positive = Field(
        default=0.5, description="of the contrast's softmax", json_schema_extra=_read_by("ctc")
    )
    momentum: Probability = Field(
        default=0.9,
        description="of the teacher's projection head",
        json_schema_extra=_read_by("ctc"),
    )
    local_crops: int = Field(
        default=8, ge=1, description="local crops of one image", json_schema_extra=_read_by("ctc")
    )
    local_size: int = Field(
        default=96, ge=8, description="side of a local crop, px", json_schema_extra=_read_by("ctc")
    )
    negative_share: Probability = Field(
        default=0.2,
        description="a crop with at most this mean uncertainty value is negative",
        json_schema_extra=_read_by("ctc"),
    )
    hidden: int = Field(default=2048, ge=1, description="width of the projection head")
    bottleneck: int = Field(default=256, ge=1, description="width of its normalised layer")
    output: int = Field(default=1024, ge=1, description="width of what it gives")


class Classifiers(Section):
    """The two classifiers, from whose weights CAMs are made."""

    init: ClassifierInit = Field(
        default="zero",
        description="zero, or uniform: PyTorch's own, up to 1 / sqrt(width), as in the authors' "
        "code",
    )


class Cam(Section):
    """Multi-scale class activation maps, and the settings of their refinement."""

    scales: tuple[Positive, ...] = Field(
        default=(1.0, 0.5, 1.5), min_length=1, description="1 must come first"
    )
    par_iterations: int = Field(
        default=10,
        ge=0,
        description="of the refinement (PAR)",
        json_schema_extra=_read_by(*_SEGMENTATION),
    )
    par_dilations: tuple[int, ...] = Field(
        default=(1, 2, 4, 8, 12, 24),
        min_length=1,
        description="of its neighbourhoods, px",
        json_schema_extra=_read_by(*_SEGMENTATION),
    )

    @model_validator(mode="after")
    def _one_comes_first(self) -> Self:
        if self.scales[0] != 1.0:
            raise ValueError(
                f"cam.scales {self.scales} must start with 1: the training pass is reused for it"
            )
        return self


class Decoder(Section):
    """LargeFOV segmentation head."""

    channels: int = Field(default=512, ge=1, description="of its hidden layers")
    dilation: int = Field(
        default=5,
        ge=1,
        description="of its convolutions, tokens",
        json_schema_extra=_read_by(*_SEGMENTATION),
    )


class Energy(Section):
    """Dense energy of the segmentation (reference: Tang et al., ECCV 2018)."""

    weight: Positive = Field(
        default=1e-7,
        description="of the energy itself, beside weights.energy",
        json_schema_extra=_read_by("energy"),
    )
    sigma_rgb: Positive = Field(
        default=15.0, description="of the colours, 0..255", json_schema_extra=_read_by("energy")
    )
    sigma_xy: Positive = Field(
        default=100.0, description="px at full resolution", json_schema_extra=_read_by("energy")
    )
    scale_factor: Positive = Field(
        default=0.5,
        description="of images and probabilities for it",
        json_schema_extra=_read_by("energy"),
    )


class Compute(Section):
    """How a step is computed; but for rounding, the losses do not depend on it."""

    precision: Precision = Field(
        default="auto",
        description="of the network; auto is bfloat16 on a GPU that has it and float32 elsewhere; "
        "the losses are float32 always, and float16 scales gradients",
    )
    parts: int = Field(
        default=1,
        ge=1,
        description="parts of a worker's images, one after the other (gradient accumulation): "
        "less memory, for a ninth more work",
        json_schema_extra=MAY_CHANGE_ON_RESUME,
    )
    recompute_blocks: bool = Field(
        default=False,
        description="compute the blocks once more in the backward pass instead of keeping what is "
        "in them (activation checkpointing)",
        json_schema_extra=MAY_CHANGE_ON_RESUME,
    )
    recompute_activations: bool | None = Field(
        default=None,
        description="compute what GELU and layer norm give once more in the backward pass instead "
        "of keeping it; by default on CPUs, where memory is slow, and not on GPUs",
    )
    compile: bool = Field(
        default=False,
        description="compile the blocks of the backbone (torch.compile)",
        json_schema_extra=MAY_CHANGE_ON_RESUME,
    )
    cuda_graphs: bool = Field(
        default=True,
        description="on a GPU, record each kind of step and replay it by a single launch",
    )
    deterministic: bool = Field(
        default=False,
        description="the same losses to the bit in a second run on the same GPU, at some cost; a "
        "CPU gives them always",
    )


class Scoring(Section):
    """How often, and on how much, a run is scored."""

    scores: int = Field(
        default=5,
        ge=1,
        description="scores of one run, evenly spaced; the last one is after the last step",
        json_schema_extra=MAY_CHANGE_ON_RESUME | _read_by(),
    )
    images: int | None = Field(
        default=None, ge=1, description="score only the first so many images of the split"
    )


class Recipe(Section):
    """One complete ToCo run."""

    name: Text = Field(
        default="voc_vit_b",
        min_length=1,
        description="names runs and searches of the recipe",
        json_schema_extra=MAY_CHANGE_ON_RESUME | _read_by(),
    )
    iterations: int = Field(default=20_000, ge=1, description="training steps of a run")
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        description="of initialisation, order, augmentation and local crops",
    )
    official_quirks: bool = Field(
        default=False, description="reproduce the marked deviations of the authors' code"
    )
    backbone: Backbone = Backbone()
    data: Data = Data()
    optimiser: Optimiser = Optimiser()
    stages: Stages = Stages()
    thresholds: Thresholds = Thresholds()
    weights: LossWeights = LossWeights()
    ctc: ClassTokenContrast = ClassTokenContrast()
    classifiers: Classifiers = Classifiers()
    cam: Cam = Cam()
    decoder: Decoder = Decoder()
    energy: Energy = Energy()
    compute: Compute = Compute()
    scoring: Scoring = Scoring()

    @model_validator(mode="after")
    def _local_crops_fit(self) -> Self:
        if self.ctc.local_size > self.data.crop_size:
            raise ValueError(
                f"ctc.local_size {self.ctc.local_size} px is larger than "
                f"data.crop_size {self.data.crop_size} px"
            )
        return self
