"""Lets an interpreter find the package `platform` although the standard library comes first.

Installed as the module `_toco_platform`, called by a `.pth` file at every start of the interpreter
in that environment. It therefore imports nothing but what is loaded anyway, and never raises.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class PackageBeforeModule:
    """A finder for the one name `platform`: our package where the standard module would come."""

    def __init__(self, root: str) -> None:
        self._root = root

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "platform" or path is not None:
            return None
        usual = PathFinder.find_spec(name)
        if usual is not None and usual.submodule_search_locations is not None:
            return None  # a checkout or PYTHONPATH comes earlier on sys.path: it goes first
        return PathFinder.find_spec(name, [self._root])


def _graft(module: ModuleType, root: str) -> None:
    """Turn the standard module, already loaded, into a package with our directory.

    The import system looks for `platform.search` in `sys.modules["platform"].__path__`.
    """
    module.__path__ = [os.path.join(root, "platform")]
    module.__package__ = "platform"
    if module.__spec__ is not None:
        module.__spec__.submodule_search_locations = module.__path__


def install(root: str | None = None) -> None:
    """Make `import platform` mean the package below a directory.

    Args:
        root: directory that contains `platform/`; by default that of this file. Nothing happens
            when the package is not there, as when the checkout of an editable install was deleted.
    """
    root = root or os.path.dirname(os.path.abspath(__file__))
    if not os.path.isfile(os.path.join(root, "platform", "__init__.py")):
        return
    loaded = sys.modules.get("platform")
    if loaded is None:
        sys.meta_path.insert(0, PackageBeforeModule(root))
    elif not hasattr(loaded, "__path__"):
        _graft(loaded, root)
