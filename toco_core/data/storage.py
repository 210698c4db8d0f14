"""Where a dataset lives: a pyarrow filesystem and a path in it. Nothing else opens data files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import fs

from toco_core.data.names import file_name_problem
from toco_core.messages import first_line
from toco_core.remote_files import filesystem_of


class DatasetError(ValueError):
    """A dataset that cannot be read or written as asked; one line that names the place."""


class Location(NamedTuple):
    """A directory in a pyarrow filesystem, local or remote."""

    filesystem: fs.FileSystem
    path: str

    @classmethod
    def of(cls, root: str | Path | Location) -> Location:
        """Resolve a local path, a URI such as ``s3://bucket/voc``, or a location.

        Local paths become absolute, so that a location holds in a process in another directory.
        """
        if isinstance(root, Location):
            return root
        if "://" not in str(root):
            return cls(fs.LocalFileSystem(), os.path.abspath(os.path.expanduser(root)))
        try:
            filesystem, path = filesystem_of(str(root))
        except ValueError as error:
            raise DatasetError(str(error)) from error
        return cls(filesystem, path)

    def __str__(self) -> str:
        return self.path if self.is_local else f"{self.filesystem.type_name}://{self.path}"

    @property
    def is_local(self) -> bool:
        """Whether the files are read through the operating system."""
        return self.filesystem.type_name == "local"

    def file(self, name: str) -> str:
        """Return the path of a file of this directory.

        Raises:
            DatasetError: the name would lead out of it.
        """
        if problem := file_name_problem(name):
            raise DatasetError(f"{self}: {problem}")
        return f"{self.path.rstrip('/')}/{name}"

    def kind(self, name: str | None = None) -> fs.FileType:
        """Return what stands at a file of this directory, or at the directory itself."""
        try:
            return self.filesystem.get_file_info(self.file(name) if name else self.path).type
        except OSError as error:
            raise DatasetError(f"{self}: cannot be reached: {first_line(error)}") from error

    def create(self) -> None:
        """Make the directory and those above it, where they are missing."""
        try:
            self.filesystem.create_dir(self.path, recursive=True)
        except OSError as error:
            raise DatasetError(f"{self}: cannot be written: {first_line(error)}") from error

    def read(self, name: str) -> bytes:
        """Return the whole content of a small file."""
        with self.filesystem.open_input_stream(self.file(name)) as stream:
            return stream.read()

    def delete(self, name: str) -> None:
        """Delete a file of this directory, if it is there."""
        if self.kind(name) is fs.FileType.File:
            self.filesystem.delete_file(self.file(name))

    @contextmanager
    def writing(self, name: str) -> Iterator[pa.NativeFile]:
        """Open a file that appears under its name only when the block ends without an error."""
        partial = f"{name}.partial"
        try:
            with self.filesystem.open_output_stream(self.file(partial)) as stream:
                yield stream
            self.filesystem.move(self.file(partial), self.file(name))
        except BaseException:
            self.delete(partial)
            raise
