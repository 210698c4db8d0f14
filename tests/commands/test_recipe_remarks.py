"""A recipe that is made for drawings says so where the data are something else."""

from __future__ import annotations

from pathlib import Path

from platform.data.command import run_writing
from platform.data.options import FolderOptions, Writing
from platform.datasets import recipe_remarks
from tests.data.folder_tree import make_folder_tree
from toco_core.settings.overrides import load_recipe


def test_own_images_on_the_recipe_of_drawings_are_told(scenes: Path, tmp_path: Path) -> None:
    tree = make_folder_tree(tmp_path / "folder", masks=0)
    own = str(tmp_path / "data")
    run_writing(FolderOptions(source=tree.root, target=own, writing=Writing(processes=1)))
    drawings = load_recipe("partscenes")
    (line,) = recipe_remarks("partscenes", drawings, own)
    assert "recipe partscenes, which is made for drawings of 64 px" in line
    assert "crops of 64 px of images at 0.8 to 1.5 times their size" in line
    assert recipe_remarks("partscenes", drawings, str(scenes)) == []
    assert recipe_remarks("own.yaml", drawings, own) == []
