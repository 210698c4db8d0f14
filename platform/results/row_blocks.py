"""Trials as a table, of which only the part that has changed is made again."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

import pyarrow as pa

from platform.results.trial_columns import rows_to_table, trials_schema
from platform.results.trial_rows import TrialRow

# To make a row takes 40 us, and the table is written at every score: of a thousand trials, all of
# them would be made again some eight times a trial.
BLOCK = 64


class RowBlocks:
    """Makes the table of a search's trials again and again, block by block of its rows."""

    def __init__(self) -> None:
        self._schema = pa.schema([])
        self._blocks: dict[int, tuple[Sequence[TrialRow], pa.Table]] = {}

    def table(self, rows: Sequence[TrialRow]) -> pa.Table:
        """Return the same as `rows_to_table`; rows are the same where they are one object."""
        schema = trials_schema(rows)
        if schema != self._schema:
            self._schema, self._blocks = schema, {}
        starts = range(0, len(rows), BLOCK)
        tables = [self._block(start, rows[start : start + BLOCK]) for start in starts]
        return pa.concat_tables(tables) if tables else rows_to_table(rows)

    def _block(self, start: int, rows: Sequence[TrialRow]) -> pa.Table:
        known, table = self._blocks.get(start, ((), None))
        is_same = len(known) == len(rows) and all(map(is_, known, rows))
        if table is None or not is_same:
            table = rows_to_table(rows, self._schema)
            self._blocks[start] = rows, table
        return table
