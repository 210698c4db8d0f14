"""A writing ends with the same dataset wherever it was interrupted, and names what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from tests.data.noise_dataset import CLASS_NAMES, SIZES, break_image, encode, make_rows
from toco_core.data.conversion.jobs import BadSourceError
from toco_core.data.conversion.manifest import MANIFEST_FILE
from toco_core.data.conversion.run import Written, convert
from toco_core.data.conversion.source import Source
from toco_core.data.problems import RowError
from toco_core.data.reader import open_dataset
from toco_core.data.schema import INFO_FILE, SCHEMA
from toco_core.data.shards import Row
from toco_core.data.splitting import Splitting
from toco_core.data.storage import DatasetError, Location

ROWS = {row.name: row for row in make_rows(40)}
BAD = {"row14": "missing file", "row17": "corrupt image", "row33": "corrupt image"}


class Entry(NamedTuple):
    name: str


def read(entry: Entry) -> Row:
    return ROWS[entry.name]


def read_bad(entry: Entry) -> Row:
    kind = BAD.get(entry.name)
    if kind == "missing file":
        raise RowError("missing file", "it is not there")
    return break_image(ROWS[entry.name]) if kind else ROWS[entry.name]


def source(reader: Callable[[Entry], Row] = read, *, first: int = 0) -> Source:
    """Return three shards of `train`, one of `tune` and one of `report`."""
    names = list(ROWS)
    ranges = {"train": names[first:30], "tune": names[:6], "report": names[30:]}
    return Source(
        description="noise",
        class_names=CLASS_NAMES,
        splits={split: [Entry(name) for name in part] for split, part in ranges.items()},
        read=reader,
        splitting=Splitting(tune="noise:6", report="noise", seed=3),
    )


def write(root: Path | Location, written: Source | None = None, **options: object) -> Written:
    return convert(written or source(), root, sizes=SIZES, **options)  # pyright: ignore[reportArgumentType]


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


def interrupt_after(images: int) -> Callable[[int, int], None]:
    def progress(done: int, _total: int) -> None:
        if done == images:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_written_is_the_listing_in_its_order(tmp_path: Path, processes: int) -> None:
    written = write(tmp_path, processes=processes)
    dataset = open_dataset(tmp_path)
    assert dataset.info == written.info
    assert (written.skipped, written.shards_kept) == ((), 0)
    for split, entries in source().splits.items():
        rows = dataset.split(split)
        assert [rows.row(index).name for index in range(len(rows))] == [one.name for one in entries]
        assert rows.row(0).image == ROWS[entries[0].name].image


def test_the_choice_of_the_splits_is_recorded(tmp_path: Path) -> None:
    write(tmp_path)
    expected = Splitting(tune="noise:6", report="noise", seed=3)
    assert open_dataset(tmp_path).info.splitting == expected
    content = json.loads((tmp_path / INFO_FILE).read_text())
    assert content["splitting"] == {"tune": "noise:6", "report": "noise", "seed": 3}
    content["carving"] = content.pop("splitting")  # as older datasets name it
    (tmp_path / INFO_FILE).write_text(json.dumps(content))
    assert open_dataset(tmp_path).info.splitting == expected


def test_a_description_without_a_choice_of_splits_is_read_as_before(tmp_path: Path) -> None:
    write(tmp_path)
    content = json.loads((tmp_path / INFO_FILE).read_text())
    del content["splitting"], content["skipped"]
    (tmp_path / INFO_FILE).write_text(json.dumps(content))
    info = open_dataset(tmp_path).info
    assert (info.splitting, info.skipped) == (None, {})


@pytest.mark.parametrize("images", [0, 5, 12, 25, 36, 45])
@pytest.mark.parametrize("reader", [read, read_bad])
def test_an_interrupted_writing_goes_on_and_ends_with_the_same_dataset(
    tmp_path: Path, images: int, reader: Callable[[Entry], Row]
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write(whole, source(reader), on_error="skip")
    with pytest.raises(KeyboardInterrupt):
        write(parts, source(reader), on_error="skip", progress=interrupt_after(images))
    assert not [name for name in contents(parts) if name.endswith(".partial")]
    with pytest.raises(DatasetError, match="goes on where a writing was interrupted"):
        open_dataset(parts)
    before = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.parquet")}
    calls: list[tuple[int, int]] = []
    written = write(
        parts, source(reader), on_error="skip", progress=lambda *call: calls.append(call)
    )
    assert contents(parts) == contents(whole)
    assert {name: (parts / name).stat().st_mtime_ns for name in before} == before
    assert written.shards_kept == len(before)
    done_before = sum(pq.read_metadata(whole / name).num_rows for name in before)
    skipped_before = len(written.skipped) - _skipped_in_other_shards(parts, set(before))
    assert calls[0] == (done_before + skipped_before, 46)
    assert calls[-1] == (46, 46)


def _skipped_in_other_shards(root: Path, names: set[str]) -> int:
    shards = json.loads((root / MANIFEST_FILE).read_text())["shards"]
    return sum(len(shard["skipped"]) for name, shard in shards.items() if name not in names)


def test_a_killed_writing_leaves_a_partial_shard_that_is_written_again(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write(whole)
    with pytest.raises(KeyboardInterrupt):
        write(parts, progress=interrupt_after(20))
    (parts / "train-00001.parquet.partial").write_bytes(b"PAR1")
    (parts / "train-00001.parquet").write_bytes(b"PAR1")  # complete, but not in the manifest yet
    write(parts)
    assert contents(parts) == contents(whole)


def test_a_finished_dataset_is_not_written_again(tmp_path: Path) -> None:
    write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    calls: list[tuple[int, int]] = []
    again = write(tmp_path, progress=lambda *call: calls.append(call))
    assert (again.shards_kept, calls) == (5, [])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_shard_that_was_deleted_is_written_again(tmp_path: Path) -> None:
    write(tmp_path)
    shard = tmp_path / "train-00001.parquet"
    before = shard.read_bytes()
    shard.unlink()
    assert write(tmp_path).shards_kept == 4
    assert shard.read_bytes() == before


def test_another_source_does_not_go_on_with_a_writing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, progress=interrupt_after(20))
    with pytest.raises(DatasetError, match=r"writing of another source, .* was interrupted"):
        write(tmp_path, source(first=1))
    write(tmp_path, source(first=13), overwrite=True)
    assert not (tmp_path / "train-00002.parquet").exists()  # of the first source
    assert open_dataset(tmp_path).info.splits["train"].images == 17
    with pytest.raises(DatasetError, match=r"there is a dataset at .* already"):
        write(tmp_path)


def test_an_overwriting_that_was_interrupted_goes_on_too(tmp_path: Path) -> None:
    write(tmp_path, source(first=1))
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, overwrite=True, progress=interrupt_after(20))
    assert write(tmp_path, overwrite=True).shards_kept == 1
    assert write(tmp_path, overwrite=True).shards_kept == 0  # finished: all of it once more


def test_a_corrupt_manifest_is_named_and_can_be_overwritten(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_FILE).write_text("{")
    with pytest.raises(DatasetError, match=r"manifest\.json is corrupt"):
        write(tmp_path)
    write(tmp_path, overwrite=True)
    assert len(open_dataset(tmp_path).split("train")) == 30


NAMES_OF_NO_SHARD = ["../other/train-00000.parquet", "/etc/passwd", "a/b", "..", "", "a\\b", "a\0b"]


@pytest.mark.parametrize("name", NAMES_OF_NO_SHARD)
@pytest.mark.parametrize("place", ["key", "name"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_manifest_that_names_files_elsewhere_deletes_nothing(
    tmp_path: Path, name: str, place: str, *, overwrite: bool
) -> None:
    target, other = tmp_path / "target", tmp_path / "other"
    for root in (target, other):
        write(root)
    content = json.loads((target / MANIFEST_FILE).read_text())
    record = content["shards"].pop("train-00000.parquet")
    key = name if place == "key" else "train-00000.parquet"
    content["shards"][key] = record | ({} if place == "key" else {"name": name})
    (target / MANIFEST_FILE).write_text(json.dumps(content))
    before = contents(target), contents(other)
    with pytest.raises(DatasetError, match=r"manifest\.json .* is no plain file name") as error:
        write(target, source(first=1), overwrite=overwrite)
    assert "\n" not in str(error.value)
    assert (contents(target), contents(other)) == before


def test_a_bad_image_stops_the_writing_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadSourceError, match="row14: missing file: it is not there"):
        write(tmp_path, source(read_bad))
    assert sorted(contents(tmp_path)) == [MANIFEST_FILE, "train-00000.parquet"]


def test_skipped_images_are_counted_by_kind_and_named_in_the_manifest(tmp_path: Path) -> None:
    written = write(tmp_path, source(read_bad), on_error="skip")
    assert [(problem.name, problem.kind) for problem in written.skipped] == list(BAD.items())
    info = open_dataset(tmp_path).info
    assert info.skipped == {"corrupt image": 2, "missing file": 1}
    assert {split: part.images for split, part in info.splits.items()} == {
        "train": 28,
        "tune": 6,
        "report": 9,
    }
    names = {row["name"] for row in pq.read_table(tmp_path / "train-00001.parquet").to_pylist()}
    assert names == {f"row{number}" for number in range(12, 24)} - {"row14", "row17"}
    assert "row33" in (tmp_path / MANIFEST_FILE).read_text()


def test_a_stopped_writing_goes_on_with_skipping_but_not_the_other_way(tmp_path: Path) -> None:
    with pytest.raises(BadSourceError):
        write(tmp_path, source(read_bad))
    assert write(tmp_path, source(read_bad), on_error="skip").shards_kept == 1
    with pytest.raises(BadSourceError, match="row14: missing file"):
        write(tmp_path, source(read_bad))


def no_mask_fits(entry: Entry) -> Row:
    return ROWS[entry.name]._replace(mask=encode(np.zeros((3, 5), np.uint8)))


def test_a_split_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError,
        match=r"split train has no rows: all \d+ images .*mask of another size.*--overwrite",
    ):
        write(tmp_path, source(no_mask_fits), on_error="skip")
    assert sorted(contents(tmp_path)) == [MANIFEST_FILE]


def test_a_name_twice_in_a_split_is_refused_before_anything_is_read() -> None:
    with pytest.raises(DatasetError, match="split train has two images named 'row1'"):
        Source(
            description="noise",
            class_names=CLASS_NAMES,
            splits={"train": [Entry("row1"), Entry("row1")]},
            read=read,
        )


def test_a_remote_target_is_written_and_gone_on_with(tmp_path: Path) -> None:
    for filesystem in (
        fs._MockFileSystem(),
        fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()),
    ):
        location = Location(filesystem, "bucket/noise")
        with pytest.raises(KeyboardInterrupt):
            write(location, progress=interrupt_after(20))
        assert write(location).shards_kept == 1
        assert len(open_dataset(location).split("train")) == 30


def test_a_file_uri_is_a_target(tmp_path: Path) -> None:
    convert(source(), f"file://{tmp_path}/noise")
    shard = pq.read_table(tmp_path / "noise/train-00000.parquet")
    assert shard.schema.equals(SCHEMA)
    assert shard.num_rows == 30
