from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platform.data.check_command import run_check
from platform.data.checks import check_options
from platform.data.command import run_writing
from platform.data.options import (
    CheckOptions,
    CocoOptions,
    FolderOptions,
    PartScenesOptions,
    VocOptions,
    WriteOptions,
    Writing,
)
from platform.lock import only_one_writer
from tests.commands.processes import ENVIRONMENT, ROOT, command
from tests.data.coco_tree import make_coco_tree
from tests.data.folder_tree import FolderTree, make_folder_tree
from tests.data.noise_dataset import encode
from tests.data.voc_tree import VocTree, make_voc_tree, with_void
from toco_core.data.conversion.manifest import MANIFEST_FILE
from toco_core.data.images import decode_mask
from toco_core.data.partscenes.dataset import PartScenes, write_partscenes
from toco_core.data.reader import open_dataset
from toco_core.data.schema import INFO_FILE

HERE = Writing(processes=1)
SKIP = Writing(processes=1, on_error="skip")


def write(options: WriteOptions) -> int:
    """Run `python -m platform.data` in this process."""
    check_options(options)
    return run_writing(options)


def check(target: Path) -> int:
    return run_check(CheckOptions(target=str(target), processes=1))


def images(target: Path) -> dict[str, tuple[int, int]]:
    splits = open_dataset(target).info.splits
    return {name: (split.images, split.masks) for name, split in splits.items()}


@pytest.fixture
def voc(tmp_path: Path) -> VocTree:
    return make_voc_tree(tmp_path / "voc", classes=3)


@pytest.fixture
def options(voc: VocTree, tmp_path: Path) -> VocOptions:
    return VocOptions(source=voc.root, target=str(tmp_path / "data"), writing=HERE)


def test_voc_is_written_checked_and_summed_up(
    options: VocOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(options) == 0
    assert images(tmp_path / "data") == {"train": (11, 0), "tune": (6, 6), "report": (4, 4)}
    shown = capsys.readouterr().out
    assert "writing PASCAL VOC 2012, train_aug  21/21 in" in shown
    assert "masks of (seed 0)" in shown
    assert re.search(r"tune +6 +6 +train\n", shown)
    assert "train holds SegmentationClassAug minus val" in shown
    assert check(tmp_path / "data") == 0
    shown = capsys.readouterr().out
    assert "checking  21/21 in" in shown
    assert re.search(r"all +11 +6 +6 +4 +4\n", shown)
    assert "masks opened: 10, all for this check" in shown
    assert "every row is good" in shown


def test_coco_is_written_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = make_coco_tree(tmp_path / "coco")
    target = tmp_path / "data"
    options = CocoOptions(source=tree.root, target=str(target), tune="train:25%", writing=HERE)
    assert write(options) == 0
    assert images(target) == {"train": (8, 0), "tune": (2, 2), "report": (4, 4)}
    assert "train2014: left out for showing no object: 1 images" in capsys.readouterr().out
    assert check(target) == 0


@pytest.mark.parametrize("masks", [0, 6])
def test_a_folder_is_written_and_checked(tmp_path: Path, masks: int) -> None:
    tree = make_folder_tree(tmp_path / "folder", masks=masks)
    target = tmp_path / "data"
    assert write(FolderOptions(source=tree.root, target=str(target), writing=HERE)) == 0
    with_masks = {"train": (9, 0), "tune": (1, 1), "report": (1, 1)}
    assert images(target) == (with_masks if masks else {"train": (10, 0)})
    assert check(target) == 0


def binary_folder(root: Path, value: int) -> FolderTree:
    """Return a folder of one class, whose masks hold a value of their own for it."""
    tree = make_folder_tree(root)
    tree.table.write_text("".join(f"{name},cat\n" for name in tree.pictures))
    for path in (root / "masks").rglob("*.png"):
        labels = decode_mask(path.read_bytes())
        path.write_bytes(encode(np.where(labels > 0, value, 0).astype(np.uint8)))
    return tree


def test_a_class_drawn_in_pixels_that_do_not_count_is_refused_with_the_way_out(
    tmp_path: Path,
) -> None:
    tree = binary_folder(tmp_path / "folder", 255)
    target = tmp_path / "data"
    options = FolderOptions(source=tree.root, target=str(target), tune="masks:50%", writing=HERE)
    with pytest.raises(
        ValueError,
        match=r"tune: no mask shows cat, though 3 of its images have it as a label, and their "
        r"masks hold 255, which does not count: if 255 is meant for it, say --foreground 255",
    ):
        write(options)
    assert sorted(path.name for path in target.iterdir()) == [MANIFEST_FILE, "tune-00000.parquet"]
    with pytest.raises(ValueError, match="tune: no mask shows cat"):  # it does not go on with it
        write(options)
    again = replace(options, foreground=255)
    with pytest.raises(ValueError, match="with other options, was interrupted"):
        write(again)
    assert write(replace(again, writing=replace(HERE, overwrite=True))) == 0
    split = open_dataset(target).split("tune")
    for index, mask in enumerate(split.masks(range(3), purpose="test")):
        expected = tree.pictures[split.row(index).name].mask() > 0
        assert np.array_equal(mask.numpy(), expected)


def test_one_of_several_classes_drawn_in_255_is_refused_too(tmp_path: Path) -> None:
    tree = make_folder_tree(tmp_path / "folder", images=12, masks=12)
    for path in (tree.root / "masks").rglob("*.png"):
        labels = decode_mask(path.read_bytes())
        path.write_bytes(encode(np.where(labels == 3, 255, labels).astype(np.uint8)))
    options = FolderOptions(source=tree.root, target=str(tmp_path / "data"), writing=HERE)
    shares = {"tune": "masks:6", "report": "masks:6"}
    with pytest.raises(ValueError, match=r"no mask shows emu, .* hold 255, .*its pixels must be 3"):
        write(replace(options, **shares))


def test_void_beside_a_class_that_is_shown_is_no_mistake(tmp_path: Path) -> None:
    tree = binary_folder(tmp_path / "folder", 1)
    for path in (tree.root / "masks").rglob("*.png"):
        path.write_bytes(encode(with_void(decode_mask(path.read_bytes()))))
    assert write(FolderOptions(source=tree.root, target=str(tmp_path / "data"), writing=HERE)) == 0


def test_masks_that_show_more_or_less_than_the_labels_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = make_folder_tree(tmp_path / "folder", images=6, masks=6)
    rows = [f"{name},{'fox' if number else 'cat'}\n" for number, name in enumerate(tree.pictures)]
    tree.table.write_text("".join(rows))
    options = FolderOptions(
        source=tree.root,
        target=str(tmp_path / "data"),
        classes=("cat", "dog", "emu", "fox"),
        tune="masks:5",
        report="masks",
        writing=HERE,
    )
    for _ in range(2):  # the second time, all of it is there already
        assert write(options) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "labels: 1 cat, 2 dog, 3 emu, 4 fox" in shown
        assert "tune: masks that show a class which is no label of their image: 5, such as" in shown
        assert re.search(r"tune: labels of so many images that no mask shows: fox \([45]\)", shown)
    assert check(tmp_path / "data") == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "mask without its label" in shown
    assert "tune: labels of so many images that no mask shows: fox" in shown


def test_classes_that_are_numbers_have_the_labels_of_their_masks(tmp_path: Path) -> None:
    tree = make_folder_tree(tmp_path / "folder", images=12, masks=12)
    number = {1: "2", 2: "10", 3: "30"}
    rows = [
        ",".join([name, *(number[label] for label in picture.labels)])
        for name, picture in tree.pictures.items()
    ]
    tree.table.write_text("\n".join(rows))
    target = tmp_path / "data"
    assert write(FolderOptions(source=tree.root, target=str(target), writing=HERE)) == 0
    assert open_dataset(target).info.class_names == ("2", "10", "30")
    assert check(target) == 0


def test_coco_of_another_year_is_written(tmp_path: Path) -> None:
    tree = make_coco_tree(tmp_path / "coco").rename(2017)
    target = tmp_path / "data"
    options = CocoOptions(source=tree.root, target=str(target), tune="train:2", writing=HERE)
    assert write(options) == 0
    assert open_dataset(target).info.source == "COCO 2017"


def test_partscenes_are_those_of_their_seed(tmp_path: Path) -> None:
    options = PartScenesOptions(
        source=5, target=str(tmp_path / "a"), train=4, tune=2, report=0, writing=HERE
    )
    assert write(options) == 0
    write_partscenes(tmp_path / "b", PartScenes(seed=5, splits={"train": 4, "tune": 2}))
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / one).iterdir()} for one in "ab")
    assert first == second
    assert check(tmp_path / "a") == 0


def test_a_bad_image_is_an_error_that_says_the_way_out(options: VocOptions, voc: VocTree) -> None:
    bad = next(iter(voc.val))
    voc.image(bad).write_bytes(voc.image(bad).read_bytes()[:-300])
    with pytest.raises(ValueError, match=f"{bad}: corrupt image: .*--on-error skip") as error:
        write(options)
    assert "\n" not in str(error.value)


def test_skipped_images_are_counted_in_the_summary(
    options: VocOptions, voc: VocTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = voc.val
    voc.image(first).unlink()
    voc.mask(second).write_bytes(b"")
    assert write(replace(options, writing=SKIP)) == 0
    shown = capsys.readouterr().out
    assert f"{first}: missing file: JPEGImages/{first}.jpg: No such file or directory" in shown
    for kind in ("missing file", "corrupt mask"):
        assert re.search(rf"{kind} +1\n", shown)
    assert open_dataset(tmp_path / "data").info.skipped == {"missing file": 1, "corrupt mask": 1}
    assert check(tmp_path / "data") == 0


def test_the_same_command_again_keeps_what_is_there(
    options: VocOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    write(options)
    capsys.readouterr()
    assert write(options) == 0
    shown = capsys.readouterr().out
    assert "shards written earlier and kept: 3 of 3" in shown
    assert "writing" not in shown


def test_other_options_need_another_place_or_overwriting(
    options: VocOptions, tmp_path: Path
) -> None:
    write(options)
    other = replace(options, tune="train:50%")
    with pytest.raises(ValueError, match="there is a dataset at"):
        write(other)
    write(replace(other, writing=replace(HERE, overwrite=True)))
    assert images(tmp_path / "data")["tune"] == (3, 3)


def test_two_do_not_write_the_same_dataset(options: VocOptions, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with (
        only_one_writer(tmp_path / "data"),
        pytest.raises(ValueError, match=r"another process is writing .*: wait for it, or choose"),
    ):
        write(options)
    assert list((tmp_path / "data").iterdir()) == []
    assert write(options) == 0


def test_a_check_that_finds_something_fails_and_names_it(
    options: VocOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(options)
    shard = tmp_path / "data/tune-00000.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    assert check(tmp_path / "data") == 1
    shown = capsys.readouterr().out
    assert "tune: tune-00000.parquet: damaged shard" in shown
    assert "1 × damaged shard" in shown


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"source": Path("/nowhere")}, "there is no directory /nowhere"),
        ({"source": Path("tests")}, "tests is no VOC tree"),
        ({"seed": -1}, "--seed -1 must be at least 0"),
        ({"tune": "trian"}, "tune 'trian': the masks are in train and val; .* train:20%"),
        ({"tune": "50%"}, "tune '50%': .* a part of them is written train:50%"),
        ({"classes": ("background", "cat")}, "--classes: 'background' is no class"),
        ({"writing": Writing(processes=0)}, "--processes 0 must be at least 1"),
        ({"target": "nothing://x"}, "nothing://x: nothing:// is none of s3://"),
        ({"target": "pyproject.toml"}, "pyproject.toml: cannot be written"),
        ({"source": Path("s" * 300)}, "there is no directory ssss"),
        ({"target": "t" * 300}, "tttt: cannot be written: .*File name too long"),
        ({"foreground": 0}, r"--foreground 0 must be in 1\.\.255"),
        ({"foreground": 256}, r"--foreground 256 must be in 1\.\.255"),
        ({"foreground": 255}, "--foreground is for one class, not for 20"),
        ({"classes": ("cat", "cat")}, "the classes cat, cat are not each named once: 'cat'"),
    ],
)
def test_a_mistake_is_refused_in_one_line(
    options: VocOptions, changes: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem) as error:
        write(replace(options, **changes))  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"source": -1}, "the seed -1 must be at least 0"),
        ({"size": 8}, "--size 8 must be at least 32"),
        ({"train": 0}, "--train 0 must be at least 1"),
    ],
)
def test_scenes_that_cannot_be_drawn_are_refused(changes: dict[str, int], problem: str) -> None:
    options = replace(PartScenesOptions(source=0, target="x"), **changes)
    with pytest.raises(ValueError, match=problem):
        write(options)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_writing_that_is_stopped_goes_on_with_the_same_command(
    options: VocOptions, voc: VocTree, tmp_path: Path, how: signal.Signals
) -> None:
    whole = tmp_path / "whole"
    write(replace(options, target=str(whole)))
    last = list(voc.extra)[-1]
    picture = voc.image(last).read_bytes()
    voc.image(last).unlink()
    os.mkfifo(voc.image(last))  # reading waits there, in the middle of train, the last shard
    data = tmp_path / "data"
    arguments = command("data", "voc", voc.root, data, "--processes", "1")
    with subprocess.Popen(
        arguments, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            wait_for_shards(data, 2)
            process.send_signal(how)
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == (130 if how is signal.SIGINT else -signal.SIGKILL)
    assert ("the same command goes on" in output.decode()) == (how is signal.SIGINT)
    assert b"Traceback" not in output
    assert not (data / INFO_FILE).exists()
    voc.image(last).unlink()
    voc.image(last).write_bytes(picture)
    kept = {path: path.stat().st_mtime_ns for path in data.glob("*.parquet")}
    assert len(kept) == 2
    assert write(options) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    names = {path.name for path in whole.iterdir()}
    assert {path.name for path in data.iterdir()} == names
    assert all((data / name).read_bytes() == (whole / name).read_bytes() for name in names)


def wait_for_shards(data: Path, count: int) -> None:
    """Wait until so many shards are in the manifest."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        manifest = data / MANIFEST_FILE
        if manifest.exists() and len(json.loads(manifest.read_text())["shards"]) == count:
            return
        time.sleep(0.05)
    raise TimeoutError(f"no {count} shards in {data}")


def test_a_table_of_which_most_is_skipped_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = make_folder_tree(tmp_path / "folder", masks=0)
    options = FolderOptions(source=tree.root, target=str(tmp_path / "data"), writing=SKIP)
    assert write(replace(options, classes=("cat", "dog", "fox"))) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert re.search(r"warning: \d of 10 images were skipped", shown)
    assert "classes that no image shows, which nothing can learn: fox" in shown
    assert check(tmp_path / "data") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "warning: classes that no image of train shows, which nothing can learn: 1 of 3" in shown


def test_images_without_a_class_are_counted_by_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = make_folder_tree(tmp_path / "folder", masks=0)
    tree.table.write_text("animal0,cat\nwild/animal1,\nanimal2,\n")
    assert write(FolderOptions(source=tree.root, target=str(tmp_path / "data"), writing=HERE)) == 0
    assert check(tmp_path / "data") == 0
    assert re.search(r"\(no class\) +2\n", capsys.readouterr().out)


def test_the_folder_itself_is_no_dataset_and_the_way_to_one_is_said(tmp_path: Path) -> None:
    tree = make_folder_tree(tmp_path / "folder")
    with pytest.raises(
        ValueError, match=r"no dataset\.json in it; python -m platform\.data writes"
    ):
        check(tree.root)
