"""Hyper-parameters for TensorBoard's HParams table, as that plugin wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

# The generated modules name their messages at run time only.
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.plugins.hparams.api_pb2 import Status  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData  # pyright: ignore[reportAttributeAccessIssue]
from torch.utils.tensorboard.summary import hparams
from torch.utils.tensorboard.writer import FileWriter

from platform.results.events import SCORE_FIELDS, EndState
from platform.results.objectives import Objective
from platform.results.parameters import ParameterValue

Writable: TypeAlias = float | str

STATE_COLUMN = "state"  # TensorBoard's own status knows no pruned trials
_EVENT_FILES = "events.out.tfevents.*"


class Column(NamedTuple):
    """A parameter in the table: one of its values, and whether trials differ in it."""

    example: Writable
    differs: bool


def table_columns(trials: Iterable[Mapping[str, ParameterValue]]) -> dict[str, Column]:
    """Return the columns for the parameters of these trials, and that of the state."""
    trials = [_writable(params) for params in trials]
    columns = {STATE_COLUMN: Column("", differs=True)}
    for key in dict.fromkeys(key for params in trials for key in params):
        values = {params.get(key) for params in trials}
        texts = [value for value in values if isinstance(value, str)]
        example = texts[0] if texts else 0.0
        columns[key] = Column(example, differs=len(values) > 1)
    return columns


def trial_summaries(params: Mapping[str, ParameterValue], state: EndState) -> list[Summary]:
    """Return what makes a run a row of the table: its parameters and how it ended."""
    _, start, end = hparams({**_writable(params), STATE_COLUMN: state}, {})
    if state == "failed":
        data = _plugin_data(end)  # PyTorch calls every end a success
        data.session_end_info.status = Status.Value("STATUS_FAILURE")
        _set_plugin_data(end, data)
    return [start, end]


def compared_tags(objective: Objective) -> list[str]:
    """Return the scalars of a score that stand in the table: what is maximised is the first."""
    compared = [field for field in SCORE_FIELDS if field.compared]
    shown = (*objective.brief, *compared)
    return list(dict.fromkeys(field.tag for field in shown if field.tag))


def write_columns(root: Path, columns: Mapping[str, Column], objective: Objective) -> None:
    """Write which columns the table has, into the directory of all runs.

    Of the columns that many runs describe, TensorBoard takes those of one run. Were each trial to
    describe its own, as `SummaryWriter.add_hparams` does, parameters that only some of them have
    would be lost; so this one file does it for all, and is replaced when they change. TensorBoard
    shows those in which trials differ first; one that already runs does so after its restart.
    """
    earlier = list(root.glob(_EVENT_FILES))
    examples = {key: column.example for key, column in columns.items()}
    experiment, _, _ = hparams(examples, dict.fromkeys(compared_tags(objective), 0.0))
    data = _plugin_data(experiment)
    for info in data.experiment.hparam_infos:
        info.differs = columns[info.name].differs
    _set_plugin_data(experiment, data)
    writer = FileWriter(str(root))
    writer.add_summary(experiment)
    writer.close()
    for path in earlier:
        path.unlink()


def _writable(params: Mapping[str, ParameterValue]) -> dict[str, Writable]:
    # PyTorch takes True for the number 1.
    return {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in params.items()
    }


def _plugin_data(summary: Summary) -> HParamsPluginData:
    return HParamsPluginData.FromString(summary.value[0].metadata.plugin_data.content)


def _set_plugin_data(summary: Summary, data: HParamsPluginData) -> None:
    summary.value[0].metadata.plugin_data.content = data.SerializeToString()
