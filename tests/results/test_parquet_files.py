from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from platform.results.parquet_files import read_table, write_table

TABLE = pa.table({"name": ["a", "b"], "score": [0.5, None], "curve": [[0.1, 0.2], []]})


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet") == TABLE
    assert pq.read_table(tmp_path / "x.parquet") == TABLE
    assert read_table(tmp_path / "none.parquet") is None


def test_no_bit_that_is_turned_over_gives_another_table(tmp_path: Path) -> None:
    """Not in the pages alone: in their headers and the footer too, which Parquet does not check."""
    path = tmp_path / "x.parquet"
    write_table(TABLE, path)
    content = path.read_bytes()
    found: list[pa.Table | str | None] = []
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        found.append(table_or_reason(path))
    damaged = f"{path} is not a Parquet table, or a damaged one ("
    refused = [one for one in found if isinstance(one, str) and one.startswith(damaged)]
    unharmed = [one for one in found if one == TABLE]  # a bit of the checksum itself
    assert len(refused) + len(unharmed) == len(content)
    assert len(unharmed) < 40


def table_or_reason(path: Path) -> pa.Table | str | None:
    try:
        return read_table(path)
    except ValueError as error:
        return str(error)


def test_a_text_that_looks_like_the_checksum_is_no_checksum(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table({"reason": ["crc32:00000000 of 000000000000 bytes"]})
    write_table(table, path)
    assert read_table(path) == table


def test_tables_of_others_are_read(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    write_table(TABLE, ours)
    pq.write_table(pq.read_table(ours).drop_columns(["curve"]), theirs)  # which keeps our entry
    assert read_table(theirs) == TABLE.drop_columns(["curve"])


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_table(tmp_path)
