"""The data format: Parquet shards of each split, and one ``dataset.json`` that describes them.

Labels: 0 background, 1..C classes, ``ignore_index`` for pixels that do not count. Image and mask
are as their EXIF says they are turned, and so are height and width.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

import pyarrow as pa
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from toco_core.data.names import file_name_problem
from toco_core.data.splitting import Splitting
from toco_core.data.storage import DatasetError, Location
from toco_core.messages import first_refusal

FORMAT_VERSION = 1
INFO_FILE = "dataset.json"

SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("image", pa.binary(), nullable=False),  # JPEG or PNG
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("labels", pa.list_(pa.int32()), nullable=False),  # classes present, 1..C
        pa.field("mask", pa.binary(), nullable=True),  # PNG of labels
    ]
)
MASK_COLUMN = "mask"
# What training reads. Weak supervision: the mask is not among it.
IMAGE_COLUMNS = tuple(name for name in SCHEMA.names if name != MASK_COLUMN)

MOST_CLASSES = 254  # a mask has 8 bits: background, classes, and what does not count

Colour = tuple[int, int, int]
SplitName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]


def _plain(name: str) -> str:
    if problem := file_name_problem(name):
        raise ValueError(problem)
    return name


# A dataset comes from anywhere, and what it names must not be a file elsewhere.
ShardName = Annotated[str, AfterValidator(_plain)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitInfo(_Frozen):
    """One split: how many images it has, how many of them with a mask, and its files."""

    images: int = Field(ge=1)
    masks: int = Field(ge=0)
    shards: tuple[ShardName, ...] = Field(min_length=1)


class DatasetInfo(_Frozen):
    """The content of ``dataset.json``."""

    format_version: Literal[1] = FORMAT_VERSION
    source: str = Field(description="where the images come from, for tables and the report")
    class_names: tuple[str, ...] = Field(min_length=1, description="without background")
    palette: tuple[Colour, ...] = Field(description="background, then one colour for each class")
    ignore_index: int = Field(default=255, ge=1, le=255)
    splits: dict[SplitName, SplitInfo] = Field(min_length=1)
    splitting: Splitting | None = Field(
        default=None,
        validation_alias=AliasChoices("splitting", "carving"),  # its name in older datasets
        description="how tune and report were chosen, where that was a choice",
    )
    skipped: dict[str, int] = Field(
        default_factory=dict, description="images left out, by what was wrong with them"
    )

    @property
    def num_classes(self) -> int:
        """Number of classes without background."""
        return len(self.class_names)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.palette) != self.num_classes + 1:
            raise ValueError(
                f"palette has {len(self.palette)} colours, not one for each class and background"
            )
        if len(set(self.class_names)) != self.num_classes:
            raise ValueError("class_names names a class twice")
        if self.ignore_index <= self.num_classes:
            raise ValueError(
                f"ignore_index {self.ignore_index} is one of the labels 0..{self.num_classes}"
            )
        return self


def default_palette(num_classes: int) -> tuple[Colour, ...]:
    """Return ``num_classes`` + 1 colours by the bit pattern of the PASCAL VOC development kit."""
    return tuple(_voc_colour(label) for label in range(num_classes + 1))


def _voc_colour(label: int) -> Colour:
    channels = [0, 0, 0]
    for bit in range(8):  # three bits of the label at a time, most significant colour bit first
        for channel in range(3):
            channels[channel] |= (label >> (3 * bit + channel) & 1) << (7 - bit)
    return channels[0], channels[1], channels[2]


def write_info(location: Location, info: DatasetInfo) -> None:
    """Write ``dataset.json``, which makes a dataset of the shards beside it."""
    with location.writing(INFO_FILE) as stream:
        stream.write(info.model_dump_json(indent=2, exclude_none=True).encode())


def read_info(location: Location) -> DatasetInfo:
    """Read ``dataset.json``.

    Raises:
        DatasetError: it is not JSON, does not fit the format, or is of a later version.
    """
    place = f"{location}/{INFO_FILE}"
    try:
        content = json.loads(location.read(INFO_FILE))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetError(f"{place} is corrupt: {error}") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        known = f"this package reads up to version {FORMAT_VERSION}; update it"
        raise DatasetError(f"{place} has format version {version}, {known}")
    try:
        return DatasetInfo.model_validate(content)
    except ValidationError as error:
        key, reason = first_refusal(error)
        where = key or "content"
        raise DatasetError(f"{place} does not fit the format: {where}: {reason}") from error
