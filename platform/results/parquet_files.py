"""Parquet files that are whole at any moment, and a line that names one that is not.

Parquet's own checksums cover the pages, but neither their headers nor the footer, where a bit that
is turned over gives other numbers. So each file carries the CRC of all of it, in its footer.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from toco_core.files import replacing
from toco_core.messages import first_line

_KEY = b"toco"  # of the footer's entry
_SEAL = re.compile(rb"crc32:[0-9a-f]{8} of [0-9]{12} bytes")
_OPEN = b"crc32:00000000 of 000000000000 bytes"  # what the CRC is taken with in its own place

_LENGTH = len(b" of 000000000000 bytes")


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table in place of the file that is there."""
    metadata = {**(table.schema.metadata or {}), _KEY: _OPEN}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    content = sink.getvalue().to_pybytes()
    place = content.rindex(_OPEN)  # the footer is last
    with replacing(path) as unfinished:
        unfinished.write_bytes(_with_seal(content, place, _seal(content)))


def read_table(path: Path) -> pa.Table | None:
    """Read a table; None where there is no file.

    Raises:
        ValueError: the file is not a Parquet table, or not what was written.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    try:
        _check(content)
        return pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = first_line(error)
        raise ValueError(f"{path} is not a Parquet table, or a damaged one ({reason})") from error


def _check(content: bytes) -> None:
    """Compare a file with its CRC.

    One of an earlier version has none, and one that somebody has read and written again has that
    of another file, of another length.
    """
    seals = list(_SEAL.finditer(content))
    if not seals:
        return
    place, found = seals[-1].start(), seals[-1].group()
    right = _seal(_with_seal(content, place, _OPEN))
    if found != right and found[-_LENGTH:] == right[-_LENGTH:]:
        raise ValueError("its checksum does not fit its content")


def _seal(content: bytes) -> bytes:
    return b"crc32:%08x of %012d bytes" % (zlib.crc32(content), len(content))


def _with_seal(content: bytes, place: int, seal: bytes) -> bytes:
    return content[:place] + seal + content[place + len(seal) :]
