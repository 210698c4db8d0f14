from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from toco_core.data.identity import dataset_hash
from toco_core.data.reader import open_dataset


def test_a_copy_of_a_dataset_has_the_same_hash(scenes: Path, tmp_path: Path) -> None:
    shutil.copytree(scenes, tmp_path / "copy")
    assert dataset_hash(open_dataset(tmp_path / "copy")) == dataset_hash(open_dataset(scenes))


def test_another_mask_and_another_class_name_are_seen(scenes: Path, tmp_path: Path) -> None:
    before = dataset_hash(open_dataset(scenes))
    shutil.copytree(scenes, tmp_path / "masks")
    shard = tmp_path / "masks" / open_dataset(scenes).info.splits["report"].shards[0]
    table = pq.read_table(shard)
    masks = table["mask"].to_pylist()
    swapped = pa.array([masks[1], masks[0], *masks[2:]], table.schema.field("mask").type)
    index = table.schema.get_field_index("mask")
    pq.write_table(table.set_column(index, table.schema.field("mask"), swapped), shard)
    assert dataset_hash(open_dataset(tmp_path / "masks")) != before

    shutil.copytree(scenes, tmp_path / "names")
    info = tmp_path / "names" / "dataset.json"
    info.write_text(info.read_text().replace(open_dataset(scenes).info.class_names[0], "other"))
    assert dataset_hash(open_dataset(tmp_path / "names")) != before


def test_a_hash_may_be_of_one_split(scenes: Path) -> None:
    one, other = (dataset_hash(open_dataset(scenes), [split]) for split in ("tune", "report"))
    assert one != other


def test_other_names_of_the_same_length_are_seen(scenes: Path, tmp_path: Path) -> None:
    before = dataset_hash(open_dataset(scenes))
    shutil.copytree(scenes, tmp_path / "copy")
    shard = tmp_path / "copy" / open_dataset(scenes).info.splits["train"].shards[0]
    footer, table = pq.read_metadata(shard), pq.read_table(shard)
    index, field = table.schema.get_field_index("name"), table.schema.field("name")
    names = [name.replace("train", "trial") for name in table["name"].to_pylist()]
    changed = table.set_column(index, field, pa.array(names, field.type))
    pq.write_table(changed, shard, row_group_size=footer.row_group(0).num_rows)
    assert dataset_hash(open_dataset(tmp_path / "copy")) != before
