from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from platform.compare.reading import read_result
from platform.compare.result import Result
from platform.compare.tables import comparison_tables, headline
from platform.protocol.card import ProtocolCard, Threshold
from platform.search.report_file import ReportScore, write_report
from tests.protocol.cards import make_card
from tests.toco_core.small_run import small_recipe
from toco_core.data.reader import open_dataset
from toco_core.settings import Recipe
from toco_core.settings.overrides import dump_recipe
from toco_core.trainer import Trainer


def evaluation(directory: Path, scenes: Path, recipe: Recipe, card: ProtocolCard | None) -> Path:
    """Leave a checkpoint and what an evaluation of it writes; return the checkpoint."""
    directory.mkdir()
    checkpoint = directory / "checkpoint.pt"
    Trainer(recipe, open_dataset(scenes)).save(checkpoint)
    content: dict[str, Any] = {"checkpoint": str(checkpoint), "official": False}
    content |= {"miou": 0.612, "aux_miou": 0.6, "segmentation": {"single": {"miou": 0.5}}}
    content["cards"] = {"cam": card.to_json()} if card else {}
    output = directory / "evaluation-report"
    output.mkdir()
    (output / "evaluation.json").write_text(json.dumps(content))
    return checkpoint


def cells(results: list[Result]) -> dict[str, dict[str, list[str]]]:
    """Return the rows of each table by title and first cell."""
    tables = comparison_tables(results)
    return {one.title: {row[0]: [*row[1:]] for row in one.rows} for one in tables}


def test_a_planted_difference_of_protocol_is_named_first(scenes: Path, tmp_path: Path) -> None:
    flattered = Threshold(value=0.5, source="best on report itself")
    one = evaluation(tmp_path / "one", scenes, small_recipe(), make_card())
    two = evaluation(
        tmp_path / "two",
        scenes,
        small_recipe(weights__ptc=0.7),
        make_card(threshold=flattered, scales=[1.0], seed=4),
    )
    results = [read_result(one), read_result(two)]
    assert headline(results) == (
        "not comparable: they were not measured in the same way (scales, threshold from)"
    )
    shown = cells(results)
    assert [*shown] == [
        "Protocol of cam: lines that differ",
        "What was measured, cam: lines that differ",
        "Settings that differ",
        "mIoU in %",
    ]
    assert shown["Protocol of cam: lines that differ"] == {
        "scales": ["1, 0.5, 1.5", "1"],
        "threshold from": ["--bkg", "best on report itself"],
    }
    assert shown["What was measured, cam: lines that differ"]["seed"] == ["0", "4"]
    assert shown["Settings that differ"] == {"weights.ptc": ["0.2", "0.7"]}
    assert shown["mIoU in %"]["cam"] == ["61.2", "61.2"]


def test_numbers_of_one_protocol_may_be_compared(scenes: Path, tmp_path: Path) -> None:
    paths = [
        evaluation(tmp_path / name, scenes, small_recipe(), make_card(checkpoint_hash=name))
        for name in ("one", "two")
    ]
    # a checkpoint, and the directory of its run
    results = [read_result(paths[0]), read_result(paths[1].parent)]
    assert headline(results) == "measured in the same way: cam"


def test_a_number_without_a_card_is_named(scenes: Path, tmp_path: Path) -> None:
    one = evaluation(tmp_path / "one", scenes, small_recipe(), make_card())
    two = evaluation(tmp_path / "two", scenes, small_recipe(), None)
    said = headline([read_result(one), read_result(two)])
    assert "two/checkpoint.pt: no protocol card" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "evaluation.json is damaged"), ("{}", "evaluation.json is no evaluation")],
)
def test_a_damaged_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_result(tmp_path)


def test_what_is_no_result_is_refused(tmp_path: Path, scenes: Path) -> None:
    with pytest.raises(ValueError, match="is no result: name the directory of a search"):
        read_result(tmp_path)
    begun = tmp_path / "second-stage"
    begun.mkdir()
    (begun / "labels.json").write_text("{}")
    with pytest.raises(ValueError, match="second-stage has no end yet: let the same command go on"):
        read_result(begun)
    lonely = tmp_path / "lonely.pt"
    lonely.write_bytes(b"")
    with pytest.raises(ValueError, match=r"no score yet: python -m platform.evaluate"):
        read_result(lonely)


def test_a_search_is_the_trial_of_its_best_yaml_and_the_mean_of_its_confirmation(
    scenes: Path, tmp_path: Path
) -> None:
    search = tmp_path / "search"
    (search / "confirm").mkdir(parents=True)
    worths = {0: 0.60, 2: 0.65, 3: 0.67, 11: 0.62}  # by trial
    columns = {"number": [*worths], "worth": [*worths.values()], "score": [*worths.values()]}
    pq.write_table(pa.table(columns), search / "worth.parquet")
    card = make_card()
    report = {
        number: ReportScore(
            number=number,
            bkg=0.4,
            aux_bkg=0.4,
            miou=worth,
            aux_miou=0.5,
            masks_opened=16,
            card=card,
        )
        for number, worth in worths.items()
    }
    write_report(search, report)
    title = "# Trial 2 of search: CAM mIoU 65.0, F1 80.0 on tune\n"  # picked: 3 is worth more
    (search / "best.yaml").write_text(title + dump_recipe(small_recipe()))
    means = {"recipe": (0, 0.6), "trial 2": (2, 0.63)}
    configurations = [
        {"name": name, "trial": trial, "params": {}, "scores": {"10000": mean}, "mean": mean}
        for name, (trial, mean) in means.items()
    ]
    confirm = {"objective": "cam_miou", "findings": [], "configurations": configurations}
    (search / "confirm/confirm.json").write_text(json.dumps(confirm))
    result = read_result(search)
    assert result.name.endswith("search (trial 2)")
    assert result.scores == {"cam": 0.65, "cam, aux": 0.5, "cam, mean of its confirmation": 0.63}
    assert result.cards == {"cam": card}
    (search / "best.yaml").write_text(title.replace("2", "11") + dump_recipe(small_recipe()))
    assert read_result(search).name.endswith("search (trial 11)")
    (search / "best.yaml").write_text(dump_recipe(small_recipe()))
    with pytest.raises(ValueError, match=r"best.yaml no longer says which trial it is of: remove"):
        read_result(search)


def second_stage(directory: Path, miou: float, **changes: Any) -> Path:
    """Leave what a second stage of two seeds writes."""
    (directory / "seed-3").mkdir(parents=True)
    (directory / "seed-3/recipe.yaml").write_text(dump_recipe(small_recipe()))
    cards = {
        str(seed): make_card(measured="segmentation mIoU, single", seed=seed, **changes).to_json()
        for seed in (3, 4)
    }
    content = {"split": "tune", "miou": miou, "seeds": {"3": {}, "4": {}}, "cards": cards}
    (directory / "second-stage-tune.json").write_text(json.dumps(content))
    return directory


def test_second_stages_are_compared_by_the_mean_of_their_seeds(tmp_path: Path) -> None:
    one = second_stage(tmp_path / "one", 0.41, trained_on="labels A")
    two = second_stage(tmp_path / "two", 0.46, trained_on="labels B")
    results = [read_result(one), read_result(two / "second-stage-tune.json")]
    assert [one.name.endswith("(2 seeds)") for one in results] == [True, True]
    assert headline(results) == "measured in the same way: second stage, tune"
    shown = cells(results)
    assert shown["What was measured, second stage, tune: lines that differ"] == {
        "trained on": ["labels A", "labels B"]
    }
    assert shown["mIoU in %"] == {"second stage, tune": ["41.0", "46.0"]}
    other = read_result(second_stage(tmp_path / "other", 0.5, scales=[1.0]))
    assert "not comparable" in headline([results[0], other])


@pytest.mark.parametrize("text", ["{", "{}"])
def test_a_damaged_second_stage_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "second-stage-tune.json").write_text(text)
    with pytest.raises(ValueError, match=r"second-stage-tune\.json is (damaged|no result)"):
        read_result(tmp_path)
