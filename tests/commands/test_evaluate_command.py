from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from platform.evaluate.checks import check_options
from platform.evaluate.command import run_evaluation
from platform.evaluate.options import EvaluateOptions, OfficialNetwork
from platform.results.curves import read_curves
from platform.results.pictures import GUTTER
from tests.data.noise_dataset import CLASS_NAMES as CLASSES
from tests.data.noise_dataset import make_rows
from tests.toco_core.official_network import in_official_names
from toco_core.checkpoint import load_checkpoint, save_checkpoint
from toco_core.data.partscenes.classes import CLASS_NAMES
from toco_core.data.writer import write_dataset

OF_THE_MOMENT = {"seconds": 0, "times_scored": 0}  # what another evaluation need not repeat


@pytest.fixture
def options(trained: Path, tmp_path: Path) -> EvaluateOptions:
    return EvaluateOptions(
        checkpoint=str(trained / "checkpoint.pt"), output=tmp_path / "evaluation", pictures=2
    )


def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    assert run_evaluation(options) == 0
    assert options.output is not None
    return json.loads((options.output / "evaluation.json").read_text())


def test_an_evaluation_is_on_report_at_the_threshold_of_the_recipe(
    options: EvaluateOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    content = evaluate(options)
    assert (content["split"], content["images"], content["masks_opened"]) == ("report", 16, 32)
    assert (content["bkg"], content["iteration"]) == (0.5, 6)
    shown = capsys.readouterr().out
    assert "thresholds.bkg of the checkpoint's recipe" in shown
    assert "best on report itself (optimistic)" in shown
    assert re.search(r"report +evaluation +16\n", shown)
    assert re.search(r"report +segmentation +16\n", shown)


def test_a_checkpoint_is_read_by_its_uri(
    options: EvaluateOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uri = f"file://{options.checkpoint}"
    short = replace(options, data=load_checkpoint(uri).recipe.data.source, images=4, tasks=("cam",))
    by_path, by_uri = (evaluate(replace(short, checkpoint=c)) for c in (options.checkpoint, uri))
    assert by_uri.pop("checkpoint") == uri
    assert by_path.pop("checkpoint") == options.checkpoint
    assert by_uri | OF_THE_MOMENT == by_path | OF_THE_MOMENT


def test_report_says_that_it_was_opened_before(
    options: EvaluateOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    short = replace(options, images=4, tasks=("cam",))
    evaluate(short)
    assert "before this" not in capsys.readouterr().out
    evaluate(short)
    assert "report was opened once before this" in capsys.readouterr().out
    evaluate(replace(short, split="tune"))  # another split, in the same directory
    evaluate(replace(short, split="tune"))
    assert "before this" not in capsys.readouterr().out


def test_tables_cannot_stand_beside_a_checkpoint_in_a_store() -> None:
    with pytest.raises(ValueError, match=r"s3://b/best\.pt is not on this machine: .*--output"):
        check_options(EvaluateOptions(checkpoint="s3://b/best.pt"))


def test_the_numbers_of_an_evaluation_agree_with_each_other(options: EvaluateOptions) -> None:
    content = evaluate(replace(options, bkg=0.3))
    assert content["bkg_source"] == "--bkg"
    for prefix, curve in (("", "curve"), ("aux_", "aux_curve")):
        present = [iou for iou in content[f"{prefix}class_iou"].values() if iou is not None]
        assert sum(present) / len(present) == pytest.approx(content[f"{prefix}miou"], rel=1e-12)
        assert content[curve][300] == content[f"{prefix}miou"]
        assert content["best_on_split"][f"{prefix}miou"] == max(content[curve])
    assert options.output is not None
    table = pq.read_table(options.output / "classes.parquet").to_pydict()
    assert table["name"] == ["background", *CLASS_NAMES] == list(content["class_iou"])
    for kind in ("iou", "aux_iou", "dice", "precision", "aux_recall"):
        prefix, _, name = kind.rpartition("_")
        key = f"{prefix}_class_{name}" if prefix else f"class_{name}"
        assert table[kind][0] == content[key]["background"]
    for name, iou in content["class_iou"].items():
        if iou is not None:
            assert content["class_dice"][name] == pytest.approx(2 * iou / (1 + iou), rel=1e-12)
    assert len(content["token_similarity"]) > 1


def test_the_score_is_the_one_that_training_saw(trained: Path, options: EvaluateOptions) -> None:
    content = evaluate(replace(options, split="tune"))
    last = read_curves(trained)[-1]
    assert content["best_on_split"]["miou"] == last["score"]
    assert content["best_on_split"]["aux_bkg"] == last["aux_bkg"]
    assert content["class_f1"] == last["f1"]


def test_the_pictures_are_those_of_the_last_evaluation(options: EvaluateOptions) -> None:
    assert options.output is not None
    for count in (2, 1):
        evaluate(replace(options, images=4, pictures=count))
        for kind, panels in (("cam", 3), ("segmentation", 4)):  # CAM, segmentation and truth
            pictures = sorted(options.output.glob(f"{kind}-*.png"))
            assert [path.name for path in pictures] == [f"{kind}-{i:04d}.png" for i in range(count)]
            width, height = Image.open(io.BytesIO(pictures[0].read_bytes())).size
            assert width == panels * height + (panels - 1) * GUTTER


def test_tables_and_pictures_lie_beside_the_checkpoint_by_default(
    trained: Path, options: EvaluateOptions
) -> None:
    assert run_evaluation(replace(options, images=4, output=None)) == 0
    found = {path.name for path in (trained / "evaluation-report").iterdir()}
    pictures = {f"{kind}-000{i}.png" for kind in ("cam", "segmentation") for i in range(2)}
    assert found == {"evaluation.json", "classes.parquet", *pictures}


@pytest.mark.crf
def test_the_segmentation_is_scored_at_one_scale_at_several_and_after_the_crf(
    options: EvaluateOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    content = evaluate(replace(options, tasks=("seg",), crf=True, images=6, scales=(1.0, 1.5)))
    assert "miou" not in content
    scored = content["segmentation"]
    assert scored["scales"] == [1.0, 1.5]
    for variant in ("single", "multi", "crf"):
        present = [iou for iou in scored[variant]["class_iou"].values() if iou is not None]
        assert sum(present) / len(present) == pytest.approx(scored[variant]["miou"], rel=1e-12)
    assert options.output is not None
    table = pq.read_table(options.output / "classes.parquet").to_pydict()
    kinds = ("iou", "dice", "precision", "recall")
    ways = {f"seg_{way}{kind}" for way in ("", "multi_", "crf_") for kind in kinds}
    assert set(table) == {"label", "name"} | ways
    shown = capsys.readouterr().out
    assert "scales 1, 1.5 + mirror + CRF" in shown
    assert "CAM mIoU" not in shown


def test_boundary_iou_is_scored_where_it_is_asked_for(options: EvaluateOptions) -> None:
    short = replace(options, images=6, scales=(), bkg=0.3)
    plain, content = evaluate(short), evaluate(replace(short, boundary=True))
    assert options.output is not None
    table = pq.read_table(options.output / "classes.parquet").to_pydict()
    segmented = content["segmentation"]["single"]
    for found, prefix, column in (
        (content, "", ""),
        (content, "aux_", "aux_"),
        (segmented, "", "seg_"),
    ):
        values = found.pop(f"{prefix}class_boundary_iou")
        known = [value for value in values.values() if value is not None]
        assert found.pop(f"{prefix}boundary_miou") == pytest.approx(sum(known) / len(known))
        assert 0 < max(known) < 1
        assert table[f"{column}boundary_iou"][0] == values["background"]
    assert content | OF_THE_MOMENT == plain | OF_THE_MOMENT


def test_distances_of_edges_are_measured_where_they_are_asked_for(
    options: EvaluateOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    short = replace(options, images=6, scales=(), bkg=0.3)
    plain, content = evaluate(short), evaluate(replace(short, hausdorff=True))
    assert "95 % Hausdorff distance by class, px" in " ".join(capsys.readouterr().out.split())
    assert options.output is not None
    table = pq.read_table(options.output / "classes.parquet").to_pydict()
    assert all("the diagonal" in card.pop("hausdorff") for card in content["cards"].values())
    assert {card.pop("hausdorff") for card in plain["cards"].values()} == {None}
    segmented = content["segmentation"]["single"]
    for found, prefix, column in (
        (content, "", ""),
        (content, "aux_", "aux_"),
        (segmented, "", "seg_"),
    ):
        values = list(found.pop(f"{prefix}class_hausdorff_95").values())
        known = [value for value in values if value is not None]
        assert found.pop(f"{prefix}hausdorff_95") == pytest.approx(sum(known) / len(known))
        assert 0 < max(known) <= 64 * 2**0.5
        measured = table[f"{column}hausdorff_95"]
        assert [None if math.isnan(one) else one for one in measured] == values
        assert values[0] is None  # background
    assert content | OF_THE_MOMENT == plain | OF_THE_MOMENT


def test_only_what_is_asked_for_is_scored(options: EvaluateOptions) -> None:
    both = evaluate(replace(options, scales=()))["cards"]
    content = evaluate(replace(options, tasks=("cam",)))
    assert "segmentation" not in content
    assert content["masks_opened"] == 16
    # a number has the same card whatever was scored beside it, so that the two may be compared
    assert both["cam"] == content["cards"]["cam"]
    assert both["cam"]["masks_opened"] == {"report, evaluation:": 16}
    assert both["single"]["masks_opened"] == {"report, segmentation:": 16}
    content = evaluate(replace(options, tasks=("seg",), scales=()))
    assert set(content["segmentation"]) == {"scales", "single"}


def test_a_split_without_masks_is_refused(options: EvaluateOptions) -> None:
    with pytest.raises(ValueError, match="split train has masks for 0 of 32 images"):
        run_evaluation(replace(options, split="train"))


def test_a_dataset_of_other_classes_is_refused(options: EvaluateOptions, tmp_path: Path) -> None:
    rows = {"report": make_rows(4)}
    write_dataset(tmp_path / "noise", rows, class_names=CLASSES, source="noise")
    other = str(tmp_path / "noise")
    with pytest.raises(ValueError, match=r"noise: bird, boat, bus; --data must name one of the"):
        run_evaluation(replace(options, data=other))
    content = load_checkpoint(options.checkpoint)
    data = content.recipe.data.model_copy(update={"source": other})
    recipe = content.recipe.model_copy(update={"data": data})
    save_checkpoint(tmp_path / "moved.pt", replace(content, recipe=recipe))
    with pytest.raises(ValueError, match=r"bird, boat, bus; name its dataset by --data"):
        run_evaluation(replace(options, data=None, checkpoint=str(tmp_path / "moved.pt")))


def test_a_dataset_that_was_moved_is_asked_for(options: EvaluateOptions, tmp_path: Path) -> None:
    content = load_checkpoint(options.checkpoint)
    data = content.recipe.data.model_copy(update={"source": "data/pictures"})
    recipe = content.recipe.model_copy(update={"data": data})
    save_checkpoint(tmp_path / "moved.pt", replace(content, recipe=recipe))
    with pytest.raises(ValueError, match=r"no dataset at .* names it as data/pictures: .*--data"):
        run_evaluation(replace(options, checkpoint=str(tmp_path / "moved.pt")))


def test_the_directory_of_a_run_is_no_checkpoint_but_names_its_own(trained: Path) -> None:
    with pytest.raises(ValueError, match=r"did you mean .*/checkpoint\.pt\?"):
        check_options(EvaluateOptions(checkpoint=str(trained)))


def test_a_checkpoint_of_ours_is_not_official(official: EvaluateOptions, trained: Path) -> None:
    ours = replace(official, checkpoint=str(trained / "checkpoint.pt"))
    with pytest.raises(ValueError, match=r"checkpoint of this package, .* leave out --off"):
        evaluate_official(ours)


def test_cams_that_are_not_finite_are_refused(options: EvaluateOptions, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(options.checkpoint)
    weight = torch.full_like(checkpoint.model["classifier.weight"], torch.nan)
    broken = replace(checkpoint, model={**checkpoint.model, "classifier.weight": weight})
    save_checkpoint(tmp_path / "broken.pt", broken)
    with pytest.raises(FloatingPointError, match="not finite"):
        run_evaluation(replace(options, checkpoint=str(tmp_path / "broken.pt")))


@pytest.fixture
def official(
    trained: Path, options: EvaluateOptions, scenes: Path, tmp_path: Path
) -> EvaluateOptions:
    """The same weights as the authors would have saved them."""
    checkpoint = load_checkpoint(options.checkpoint)
    torch.save(in_official_names(checkpoint.model), tmp_path / "toco.pth")
    network = OfficialNetwork(official=True, recipe=str(trained / "recipe.yaml"))
    return replace(
        options, checkpoint=str(tmp_path / "toco.pth"), data=str(scenes), network=network
    )


def test_weights_of_the_authors_have_the_score_that_they_have_in_a_checkpoint(
    options: EvaluateOptions, official: EvaluateOptions
) -> None:
    ours = evaluate(options)
    theirs = evaluate_official(official)
    assert (theirs["official"], theirs["iteration"]) == (True, None)
    for key in ("miou", "curve", "aux_curve", "class_f1", "segmentation", "token_similarity"):
        assert theirs[key] == ours[key]


def test_weights_of_the_authors_that_do_not_fit_the_recipe_are_refused_by_name(
    official: EvaluateOptions,
) -> None:
    network = replace(official.network, set=("decoder.channels=48",))
    with pytest.raises(ValueError, match=r"toco\.pth does not fit .*decoder\.conv6\.weight is"):
        evaluate_official(replace(official, network=network))


def evaluate_official(options: EvaluateOptions) -> dict[str, Any]:
    assert run_evaluation(options, check_options(options)) == 0
    assert options.output is not None
    return json.loads((options.output / "evaluation.json").read_text())
