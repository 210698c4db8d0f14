"""`python -m platform` prints what it prints without this package."""

from __future__ import annotations

import runpy

import platform

# The standard module's own file, with its own reading of the arguments.
runpy.run_path(platform.uname.__code__.co_filename, run_name="__main__")
