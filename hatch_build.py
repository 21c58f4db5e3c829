"""The hook of the build that compiles the way of a request to machine code, with mypyc: of `make compiled` alone.

Here belongs how modules become part of a wheel. Which ones, `[tool.hatch.build.targets.wheel.hooks.custom]` in
pyproject.toml says.
"""

import os
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LIBRARY = "sms10692_mock"
"""All is one shared library: what calls each other there does so without Python."""


class CompilingHook(BuildHookInterface[Any]):
    """Adds an extension beside the source of each module of the option `modules`; the wheel is for this Python then."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what was made to what the wheel will have."""
        # Imported here: hatchling asks this file for more than it installs these for.
        from mypyc.build import mypycify
        from setuptools import Distribution
        from setuptools.command.build_ext import build_ext
        from setuptools.errors import CompileError

        self._folder = TemporaryDirectory(prefix="sms10692-compiled-")
        built = Path(self._folder.name, "built")
        with chdir(self.root):  # where mypy finds its settings
            modules = [os.fspath(Path("mock_server", *name.split("."))) + ".py" for name in self.config["modules"]]
            extensions = mypycify(modules, debug_level="0", target_dir=self._folder.name, group_name=_LIBRARY)
            command = build_ext(Distribution({"name": "sms10692", "ext_modules": extensions}))
            command.build_lib, command.build_temp = str(built), self._folder.name
            command.finalize_options()
            try:
                command.run()
            except CompileError as error:
                raise SystemExit(f"a C compiler and the headers of this Python are needed: {error}") from None
        for extension in built.rglob("*.*"):
            build_data["force_include"][str(extension)] = extension.relative_to(built).as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the wheel has now."""
        self._folder.cleanup()
