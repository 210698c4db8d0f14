from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from platform.export.files import Layout
from platform.export.mmseg import write_mmseg
from platform.export.mmseg_networks import NETWORKS
from toco_core.data.reader import open_dataset
from toco_core.data.schema import DatasetInfo

NAMES = ["a", "2014/b"]
CROP = 64


@pytest.fixture
def info(scenes: Path) -> DatasetInfo:
    return open_dataset(scenes).info


@pytest.fixture
def written(info: DatasetInfo, tmp_path: Path) -> Path:
    write_mmseg(Layout(directory=tmp_path, split="train", format="mmseg"), info, NAMES, CROP)
    return tmp_path


def config(path: Path) -> dict[str, Any]:
    """Run a config, as the parser of mmsegmentation does."""
    return {key: value for key, value in runpy.run_path(str(path)).items() if key[:2] != "__"}


def test_names_and_classes_are_listed(written: Path, info: DatasetInfo) -> None:
    assert (written / "splits/train.txt").read_text().splitlines() == NAMES
    classes = (written / "classes.txt").read_text().splitlines()
    assert classes == ["background", *info.class_names]


def test_the_data_lies_where_the_config_says(written: Path, info: DatasetInfo) -> None:
    dataset = config(written / "configs/data.py")["train_dataloader"]["dataset"]
    layout = Layout(directory=Path(), split="train", format="mmseg")
    assert Path(dataset["data_prefix"]["img_path"]) == layout.folder("images")
    assert Path(dataset["data_prefix"]["seg_map_path"]) == layout.folder("labels")
    assert (written / dataset["ann_file"]).is_file()
    assert len(dataset["metainfo"]["classes"]) == len(dataset["metainfo"]["palette"])
    assert dataset["pipeline"][3]["crop_size"] == (CROP, CROP)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_has_an_output_for_each_class(
    written: Path, info: DatasetInfo, network: str
) -> None:
    settings = config(written / f"configs/{network}.py")
    assert settings["_base_"] == ["data.py"]
    heads = [value for key, value in settings["model"].items() if key.endswith("_head")]
    assert heads
    assert {head["num_classes"] for head in heads} == {info.num_classes + 1}
    ends = [schedule["end"] for schedule in settings["param_scheduler"]]
    assert ends[-1] == config(written / "configs/data.py")["train_cfg"]["max_iters"]
