"""Which shards of a writing are complete: what an interrupted one goes on from."""

from __future__ import annotations

import hashlib
import json

from pyarrow import fs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toco_core.data.conversion.source import Source
from toco_core.data.mask_tally import MaskTally
from toco_core.data.names import file_name_problem
from toco_core.data.problems import Problem
from toco_core.data.schema import INFO_FILE
from toco_core.data.shards import ShardSizes
from toco_core.data.storage import DatasetError, Location
from toco_core.data.writer import make_room

MANIFEST_FILE = "manifest.json"


class ShardRecord(BaseModel):
    """A complete shard, what its masks show, and the images of its part that were skipped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    images: int
    masks: int
    skipped: tuple[Problem, ...] = ()
    tally: MaskTally = Field(default_factory=MaskTally)


class Manifest(BaseModel):
    """The complete shards of one source, which the fingerprint tells from every other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    shards: dict[str, ShardRecord] = {}

    @property
    def skipped(self) -> tuple[Problem, ...]:
        """The images skipped in all shards."""
        return tuple(problem for shard in self.shards.values() for problem in shard.skipped)

    def with_shard(self, record: ShardRecord) -> Manifest:
        """Return a manifest that has one shard more."""
        return self.model_copy(update={"shards": {**self.shards, record.name: record}})

    def of_present_shards(self, location: Location) -> Manifest:
        """Return a manifest without the shards that someone has deleted."""
        present = {
            name: shard
            for name, shard in self.shards.items()
            if not shard.images or location.kind(name) is fs.FileType.File
        }
        return self.model_copy(update={"shards": present})

    def write(self, location: Location) -> None:
        """Write it beside the shards."""
        with location.writing(MANIFEST_FILE) as stream:
            stream.write(self.model_dump_json(indent=1).encode())


def read_manifest(location: Location, *, ignore_corrupt: bool = False) -> Manifest | None:
    """Read the manifest of a place; None where there is none.

    Raises:
        DatasetError: it is corrupt, and that matters; or it names files that are none of the place,
            which whoever goes on from it would delete.
    """
    if location.kind(MANIFEST_FILE) is not fs.FileType.File:
        return None
    try:
        manifest = Manifest.model_validate_json(location.read(MANIFEST_FILE))
    except ValidationError as error:
        if ignore_corrupt:
            return None
        raise DatasetError(
            f"{location}/{MANIFEST_FILE} is corrupt; choose another place, or replace it: "
            "--overwrite"
        ) from error
    for name in (*manifest.shards, *(shard.name for shard in manifest.shards.values())):
        if problem := file_name_problem(name):
            raise DatasetError(
                f"{location}/{MANIFEST_FILE} is not of this program: shard {problem}; choose "
                "another place, or delete that file"
            )
    return manifest


def begin_manifest(location: Location, mark: str, *, overwrite: bool) -> Manifest:
    """Return the manifest that a writing goes on from; a new one removes what was there.

    Args:
        location: where is written.
        mark: fingerprint of what is written.
        overwrite: whether something else may be there, and a finished dataset is written again.

    Raises:
        DatasetError: something else is there, and may not be overwritten.
    """
    found = read_manifest(location, ignore_corrupt=overwrite)
    is_unfinished = location.kind(INFO_FILE) is fs.FileType.NotFound
    if found is not None and found.fingerprint == mark and (is_unfinished or not overwrite):
        return found.of_present_shards(location)
    if found is not None and is_unfinished and not overwrite:
        raise DatasetError(
            f"at {location} the writing of another source, or with other options, was "
            "interrupted; choose another place, or replace it: --overwrite"
        )
    make_room(location, overwrite=overwrite)
    for name in found.shards if found else ():
        location.delete(name)
    location.delete(MANIFEST_FILE)
    return Manifest(fingerprint=mark)


def fingerprint(source: Source, sizes: ShardSizes) -> str:
    """Return a hash of everything that decides which image goes into which shard, and how."""
    digest = hashlib.sha256()
    splitting = source.splitting and source.splitting.model_dump()
    heading = [source.description, source.class_names, splitting, sizes]
    heading += [source.reading] if source.reading else []
    digest.update(json.dumps(heading).encode())
    for split, entries in source.splits.items():
        digest.update(json.dumps(split).encode())
        for entry in entries:
            digest.update(json.dumps(entry).encode())
    return digest.hexdigest()
