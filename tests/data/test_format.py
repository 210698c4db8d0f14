"""What is written is what is read, wherever it is; and what is wrong is named in one line."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import fs
from pyarrow import parquet as pq

from tests.data.conftest import MakeSplit
from tests.data.noise_dataset import CLASS_NAMES, SIZES, break_image, encode, make_rows
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.data.schema import INFO_FILE, SCHEMA, default_palette
from toco_core.data.shards import Row
from toco_core.data.storage import DatasetError, Location
from toco_core.data.writer import write_dataset


def write(root: Path | Location, **splits: list[Row]) -> ParquetDataset:
    write_dataset(root, splits, class_names=CLASS_NAMES, source="noise", sizes=SIZES)
    return open_dataset(root)


def one_line(error: pytest.ExceptionInfo[DatasetError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("count", [1, 4, 12, 13, 30])
def test_rows_come_back_as_they_were_written(make_split: MakeSplit, count: int) -> None:
    split = make_split(count)
    assert len(split) == count
    for index, written in enumerate(make_rows(count)):
        row = split.row(index)
        assert (row.name, row.image, row.labels) == (
            written.name,
            written.image,
            tuple(sorted(written.labels)),
        )
        image = split.image(row)
        assert (image.height, image.width) == (row.height, row.width)


def test_shards_and_row_groups_have_the_sizes_asked_for(make_split: MakeSplit) -> None:
    split = make_split(30)
    assert split.group_sizes == (4,) * 7 + (2,)
    assert [Path(name).name for name in split.info.splits["train"].shards] == [
        f"train-{shard:05d}.parquet" for shard in range(3)
    ]


def test_a_remote_filesystem_is_written_and_read(tmp_path: Path) -> None:
    for filesystem in (
        fs._MockFileSystem(),
        fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()),
    ):
        dataset = write(Location(filesystem, "bucket/noise"), train=make_rows(13))
        assert dataset.split("train").row(12).name == "row12"
        assert not dataset.location.is_local


def test_a_file_uri_and_a_relative_path_are_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "noise", train=make_rows(2))
    monkeypatch.chdir(tmp_path)
    for root in ("noise", Path("noise"), f"file://{tmp_path}/noise"):
        assert open_dataset(root).location.path == str(tmp_path / "noise")


def test_a_pickled_split_reads_on_without_rows_in_the_pickle(make_split: MakeSplit) -> None:
    split = make_split(30)
    fresh = len(pickle.dumps(split))
    rows = [split.row(index) for index in range(30)]
    assert len(pickle.dumps(split)) == fresh
    copy = pickle.loads(pickle.dumps(split))
    assert [copy.row(index) for index in range(30)] == rows


def test_class_labels_mark_the_classes_present(make_split: MakeSplit) -> None:
    split = make_split(4)
    assert split.row(1).labels == (2, 3)
    assert split.class_labels(split.row(1)).tolist() == [0.0, 1.0, 1.0]


def test_the_palette_is_that_of_voc() -> None:
    palette = default_palette(20)
    assert palette[:4] == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert palette[20] == (0, 64, 128)


def test_an_interrupted_writing_leaves_no_dataset_and_no_partial_shard(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Row]:
        yield from make_rows(17)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(
            tmp_path, {"train": interrupted()}, class_names=CLASS_NAMES, source="noise", sizes=SIZES
        )
    assert [path.name for path in tmp_path.iterdir()] == ["train-00000.parquet"]
    with pytest.raises(DatasetError, match=f"no {INFO_FILE} in it"):
        open_dataset(tmp_path)


def test_an_interrupted_overwriting_does_not_leave_the_old_description(tmp_path: Path) -> None:
    write(tmp_path, train=make_rows(5))
    with pytest.raises(DatasetError, match="already"):
        write(tmp_path, train=make_rows(5))
    bad = [*make_rows(13, seed=1), Row("bad", b"", [1])]
    with pytest.raises(DatasetError, match="row 'bad': not an image"):
        write_dataset(
            tmp_path,
            {"train": bad},
            class_names=CLASS_NAMES,
            source="noise",
            overwrite=True,
            sizes=SIZES,
        )
    with pytest.raises(DatasetError, match="no dataset"):
        open_dataset(tmp_path)


GOOD = make_rows(1)[0]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (GOOD._replace(labels=[0]), r"labels \[0\] are not all in 1\.\.3"),
        (GOOD._replace(labels=[4]), r"labels \[4\] are not all in 1\.\.3"),
        (GOOD._replace(image=b"text"), "not an image"),
        (GOOD._replace(mask=encode(np.zeros((3, 5), np.uint8))), r"the mask is \(3, 5\) px"),
        (GOOD._replace(name="row0"), "two rows of this name"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_name(tmp_path: Path, row: Row, problem: str) -> None:
    named = row if row.name == "row0" and "two" in problem else row._replace(name="odd")
    with pytest.raises(
        DatasetError, match=f"split train, row '{named.name}': .*{problem}"
    ) as error:
        write(tmp_path, train=[GOOD, named])
    one_line(error)


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="split train has no rows"):
        write(tmp_path, train=[])


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no dataset at .*/nowhere: there is no such directory"):
        open_dataset(tmp_path / "nowhere")


def test_an_unknown_split_is_answered_with_those_that_exist(tmp_path: Path) -> None:
    dataset = write(tmp_path, train=make_rows(2), tune=make_rows(2))
    with pytest.raises(
        DatasetError, match=r"no split 'tun', only train, tune; did you mean tune\?"
    ):
        dataset.split("tun")


def change_info(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        info = json.loads((root / INFO_FILE).read_text())
        change(info)
        (root / INFO_FILE).write_text(json.dumps(info))

    return damage


def truncate(name: str, share: float) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        content = (root / name).read_bytes()
        (root / name).write_bytes(content[: int(len(content) * share)])

    return damage


def replace_columns(root: Path) -> None:
    table = pq.read_table(root / "train-00001.parquet").drop_columns(["labels"])
    pq.write_table(table, root / "train-00001.parquet")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (truncate(INFO_FILE, 0.5), f"{INFO_FILE} is corrupt"),
        (lambda root: (root / INFO_FILE).write_text("[" * 100_000), f"{INFO_FILE} is corrupt"),
        (lambda root: (root / INFO_FILE).write_bytes(b"\xff"), f"{INFO_FILE} is corrupt"),
        (change_info(lambda info: info.update(format_version=7)), "version 7, .* up to version 1"),
        (change_info(lambda info: info.update(format_version="x")), "format_version"),
        (change_info(lambda info: info.pop("class_names")), "class_names: Field required"),
        (change_info(lambda info: info.update(palette=[[0, 0, 0]])), "palette has 1 colours"),
        (change_info(lambda info: info.update(ignore_index=2)), "ignore_index 2 is one of"),
        (truncate("train-00001.parquet", 0.5), "shard train-00001.parquet is corrupt"),
        (truncate("train-00001.parquet", 0.0), "shard train-00001.parquet is corrupt"),
        (lambda root: (root / "train-00001.parquet").unlink(), "train-00001.parquet is missing"),
        (replace_columns, "train-00001.parquet does not have the columns name, image"),
        (
            lambda root: (root / "train-00000.parquet").write_bytes(
                (root / "train-00001.parquet").read_bytes()
            ),
            "has 16 rows, dataset.json says 20",
        ),
    ],
)
def test_damage_is_named_in_one_line(
    tmp_path: Path, damage: Callable[[Path], None], problem: str
) -> None:
    write(tmp_path, train=make_rows(20))
    damage(tmp_path)
    with pytest.raises(DatasetError, match=problem) as error:
        open_dataset(tmp_path).split("train")
    assert str(tmp_path) in one_line(error)


@pytest.mark.parametrize("name", ["../other/train-00000.parquet", "/etc/passwd", "..", "", "a\0b"])
def test_a_description_that_names_files_elsewhere_reads_nothing(tmp_path: Path, name: str) -> None:
    write(tmp_path / "other", train=make_rows(20))
    write(tmp_path / "target", train=make_rows(20))
    info = json.loads((tmp_path / "target" / INFO_FILE).read_text())
    info["splits"]["train"]["shards"][0] = name
    (tmp_path / "target" / INFO_FILE).write_text(json.dumps(info))
    with pytest.raises(
        DatasetError, match=r"dataset\.json does not fit .* is no plain file name"
    ) as error:
        open_dataset(tmp_path / "target")
    assert "\n" not in one_line(error)


@pytest.mark.parametrize("name", ["../secret", "/etc/secret", "a/b", "", ".."])
def test_no_file_elsewhere_is_one_of_a_location(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="is no plain file name"):
        Location.of(tmp_path).file(name)


@pytest.mark.parametrize("name", ["../secret", "/etc/secret", "a/../../b", "", "a\0b", "a" * 300])
def test_a_row_whose_name_leads_out_of_a_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="split train: image "):
        write(tmp_path, train=[make_rows(1)[0]._replace(name=name)])


def test_a_damaged_page_is_named_by_its_shard(tmp_path: Path) -> None:
    write(tmp_path, train=make_rows(20))
    shard = tmp_path / "train-00000.parquet"
    content = bytearray(shard.read_bytes())
    place = content.index(make_rows(20)[5].image) + 50  # a pixel of an image: the footer is intact
    content[place] ^= 0xFF
    shard.write_bytes(content)
    split = open_dataset(tmp_path).split("train")
    with pytest.raises(DatasetError, match=r"shard train-00000\.parquet is corrupt") as error:
        split.row(5)
    one_line(error)


def test_a_corrupt_image_is_named_by_dataset_split_and_row(tmp_path: Path) -> None:
    good, bad = make_rows(2)
    split = write(tmp_path, train=[good, break_image(bad)]).split("train")
    split.image(split.row(0))
    with pytest.raises(
        DatasetError, match=f"{tmp_path}, split train, row 'row1': the image"
    ) as error:
        split.image(split.row(1))
    one_line(error)


def test_a_row_outside_the_split_is_an_index_error(make_split: MakeSplit) -> None:
    split = make_split(5)
    for index in (-1, 5):
        with pytest.raises(IndexError, match=r"outside 0\.\.4"):
            split.row(index)


def test_grey_and_transparent_images_are_read_as_rgb(tmp_path: Path) -> None:
    grey, transparent = np.full((8, 9), 7, np.uint8), np.full((8, 9, 4), 7, np.uint8)
    rows = [Row("grey", encode(grey), [1]), Row("transparent", encode(transparent), [1])]
    split = write(tmp_path, train=rows).split("train")
    for index in range(2):
        image: Image.Image = split.image(split.row(index))
        assert (image.mode, image.getpixel((0, 0))) == ("RGB", (7, 7, 7))


def test_images_are_stored_uncompressed(make_split: MakeSplit, tmp_path: Path) -> None:
    make_split(4)
    (shard,) = tmp_path.rglob("*.parquet")
    group = pq.ParquetFile(shard).metadata.row_group(0)
    image = group.column(SCHEMA.get_field_index("image"))
    assert (image.path_in_schema, image.compression) == ("image", "UNCOMPRESSED")
