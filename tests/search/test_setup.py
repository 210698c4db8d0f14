from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from platform.resource_ranges import Between, Group, parse_group
from platform.search.checks import check_options
from platform.search.options import Resources, SearchOptions
from platform.search.setup import check_dataset, place_search
from tests.data.noise_dataset import CLASS_NAMES, make_rows
from toco_core.data.writer import write_dataset
from toco_core.settings.overrides import apply_overrides, load_recipe

TWO_CORES = [{"CPU": 2.0}]
OPTIONS = SearchOptions()


def concurrent(nodes: Sequence[Mapping[str, float]], resources: Resources) -> int:
    recipe = load_recipe("partscenes")
    return place_search(nodes, resources, recipe).max_concurrent_trials


def test_without_options_the_embedded_recipe_is_searched_in_its_own_space() -> None:
    space, name = check_options(OPTIONS)
    assert name == "partscenes"
    assert set(space.space.by_key) >= {"backbone.aux_layer", "thresholds.low", "weights.ptc"}


def test_other_recipes_are_searched_in_the_full_space_and_named_after_both() -> None:
    tiny = ("backbone.name=vit_tiny_patch16_224", "backbone.weights=random")
    space, name = check_options(replace(OPTIONS, recipe="voc_vit_b", set=tiny))
    assert name == "voc_vit_b-full"
    assert space.depth == 12


def test_options_go_into_the_recipe() -> None:
    options = replace(OPTIONS, data="/data/voc", seed=7, set=("weights.seg=0.3",))
    recipe = check_options(options)[0].recipe
    assert (recipe.data.source, recipe.seed, recipe.weights.seg) == ("/data/voc", 7, 0.3)


BOTH: dict[str, object] = {"objective": "cam_miou,f1"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trials": 0}, "--trials 0 must be more than 0"),
        ({"hours": -1.0}, "--hours -1.0 must be more than 0"),
        ({"gpu_hours": 0.0}, "--gpu-hours 0.0 must be more than 0"),
        ({"sampler": "gp"}, "--sampler gp learns from complete trials only.*add --pruner none"),
        ({"sampler": "nsga2", "pruner": "median"}, "--pruner median leaves few"),
        ({"objective": "seg_miou"}, "--objective seg_miou: .* platform.evaluate"),
        ({"objective": "miou"}, "--objective miou: objective 'miou' is not one of cam_miou, aux"),
        ({"objective": "f1,f1"}, "--objective f1,f1: f1 stands there twice"),
        (BOTH | {"sampler": "cmaes", "pruner": "none"}, "--sampler cmaes knows one objective"),
        (BOTH | {"sampler": "tpe"}, "--sampler tpe cannot learn from stopped .* --pruner none"),
        (BOTH | {"pruner": "median"}, "--pruner median knows one objective: use --pruner halv"),
        (BOTH | {"confirm": 2}, "--confirm compares by one objective: leave it out"),
        (BOTH | {"learn_from": (Path("a"),)}, "--learn-from learns of one objective: leave it"),
        ({"name": "a/b"}, "--name 'a/b' must be letters"),
        ({"name": ".hidden"}, "--name '.hidden' must be letters"),
        ({"set": ("backbone.aux_layer=12",)}, "backbone.aux_layer"),
        ({"set": ("iterations=15",)}, r"optimiser\.warmup 15 must be in 0\.\.14"),
        ({"set": ("backbone.weights=/no/file",)}, "no file of backbone weights at /no/file"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_options(replace(OPTIONS, **change))


def test_a_dataset_without_a_split_to_report_on_is_refused(tmp_path: Path) -> None:
    splits = {"train": make_rows(4, with_masks=False), "tune": make_rows(4)}
    write_dataset(tmp_path / "data", splits, class_names=CLASS_NAMES, source="noise")
    space, name = check_options(replace(OPTIONS, data=str(tmp_path / "data")))
    with pytest.raises(ValueError, match="no split 'report', only train, tune"):
        check_dataset(space, name, OPTIONS)


def test_a_dataset_whose_masks_are_missing_is_refused(tmp_path: Path) -> None:
    splits = {name: make_rows(4, with_masks=False) for name in ("train", "tune", "report")}
    write_dataset(tmp_path / "data", splits, class_names=CLASS_NAMES, source="noise")
    space, name = check_options(replace(OPTIONS, data=str(tmp_path / "data")))
    with pytest.raises(
        ValueError, match=r"split tune has masks for 0 of 4 .* --objective unsupervised"
    ):
        check_dataset(space, name, OPTIONS)


def test_without_masks_a_search_may_maximise_what_needs_none(tmp_path: Path) -> None:
    splits = {name: make_rows(4, with_masks=False) for name in ("train", "tune", "report")}
    write_dataset(tmp_path / "data", splits, class_names=CLASS_NAMES, source="noise")
    options = replace(OPTIONS, data=str(tmp_path / "data"), objective="unsupervised")
    setup = check_dataset(*check_options(options), options)
    assert not setup.objective.needs_masks
    assert setup.fingerprint()["objective"] == "unsupervised"


def test_sessions_must_agree_on_the_dataset_but_not_on_its_place(
    scenes: Path, tmp_path: Path
) -> None:
    space, name = check_options(replace(OPTIONS, data=str(scenes)))
    setup = check_dataset(space, name, replace(OPTIONS, reports=tmp_path))
    assert setup.directory == tmp_path / "partscenes"
    assert setup.fingerprint()["images of tune"] == 24
    assert str(scenes) not in str(setup.fingerprint())


def test_a_trial_of_one_worker_trains_in_its_own_process() -> None:
    placement = place_search(TWO_CORES, Resources(), load_recipe("partscenes"))
    assert placement.workers_per_trial == 0
    assert placement.driver == placement.worker


@pytest.mark.parametrize("cores", [1, 2, 3, 8, 64])
def test_by_default_as_many_trials_run_as_there_are_cores(cores: int) -> None:
    assert concurrent([{"CPU": float(cores)}], Resources()) == cores


def test_two_workers_share_the_machine_with_their_driver() -> None:
    placement = place_search(TWO_CORES, Resources(workers=2), load_recipe("partscenes"))
    assert (placement.workers_per_trial, placement.max_concurrent_trials) == (2, 1)


def test_gpus_limit_the_trials() -> None:
    machine = [{"CPU": 16.0, "GPU": 2.0}]
    assert concurrent(machine, Resources(gpus=1.0)) == 2
    assert concurrent(machine, Resources(gpus=0.5)) == 4
    assert concurrent(machine, Resources(gpus=1.0, scorer_gpus=0.5)) == 1


@pytest.mark.parametrize(("workers", "message"), [(0, "at least 1"), (3, "cannot share")])
def test_workers_that_cannot_share_a_step_are_refused(workers: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        concurrent([{"CPU": 64.0}], Resources(workers=workers))


def test_parts_that_do_not_divide_the_images_of_a_worker_are_refused() -> None:
    recipe = apply_overrides(load_recipe("partscenes"), {"compute.parts": 4})
    assert place_search([{"CPU": 64.0}], Resources(workers=2), recipe).workers_per_trial == 2
    with pytest.raises(ValueError, match=r"compute\.parts 4 does not divide the 2 images"):
        place_search([{"CPU": 64.0}], Resources(workers=4), recipe)


@pytest.mark.parametrize(
    ("text", "group"), [("2", 2), ("2-4", Between(2, 4)), ("3-3", 3), ("0", 0), ("-1", -1)]
)
def test_a_number_of_workers_may_be_a_range(text: str, group: Group) -> None:
    assert parse_group(text) == group


@pytest.mark.parametrize("text", ["4-2", "2-", "two", "2-4-6", "1.5"])
def test_what_is_no_number_of_workers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_group(text)


def test_of_a_range_a_trial_is_planned_with_the_most_workers_that_fit() -> None:
    recipe = load_recipe("partscenes")  # 8 images a step
    asked = Resources(workers=Between(2, 8), gpus=1.0)
    for gpus, workers in ((8, 8), (6, 4), (2, 2)):
        placement = place_search([{"CPU": 64.0, "GPU": float(gpus)}], asked, recipe)
        assert placement.workers_per_trial == workers
        assert (placement.sizes, placement.least_workers) == ((8, 4, 2), 2)
    with pytest.raises(ValueError, match="a trial needs 2 workers"):
        place_search([{"CPU": 64.0, "GPU": 1.0}], asked, recipe)


def test_a_gpu_for_each_of_the_fewest_workers_is_enough_for_all_to_train_on_gpus() -> None:
    machine = [{"CPU": 64.0, "GPU": 2.0}]
    placement = place_search(machine, Resources(workers=Between(2, 4)), load_recipe("partscenes"))
    assert (placement.workers_per_trial, placement.gpus_per_trial) == (2, 2.0)


@pytest.mark.parametrize(
    ("workers", "settings", "message"),
    [
        (Between(3, 4), {}, "--workers 3-4: 3 cannot share data.images_per_step 8 evenly; choose "),
        (Between(2, 16), {}, "16 cannot share .* choose both ends among 1, 2, 4, 8, or --set"),
        (Between(2, 8), {"compute.parts": 2}, "8 cannot .* evenly in compute.parts 2; .* 1, 2, 4,"),
    ],
)
def test_a_range_whose_ends_cannot_share_a_step_is_refused(
    workers: Between, settings: dict[str, int], message: str
) -> None:
    recipe = apply_overrides(load_recipe("partscenes"), settings)
    with pytest.raises(ValueError, match=message):
        place_search([{"CPU": 64.0}], Resources(workers=workers), recipe)


def test_what_never_fits_is_refused() -> None:
    with pytest.raises(ValueError, match="a trial needs"):
        concurrent([{"CPU": 2.0}], Resources(gpus=1.0))
