"""The compiled engine, which is optional; everything else about the project is in pyproject.toml.

SCALARGRAD_EXTENSION says whether to build it: `auto`, the default, builds it if that works and
otherwise installs without it; `never` leaves it out; `require` fails where it cannot be built.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CompileError, LinkError

SOURCES = Path("src/scalargrad/engine/compiled")
WANTED = os.environ.get("SCALARGRAD_EXTENSION") or "auto"
if WANTED not in ("auto", "never", "require"):
    sys.exit(f"SCALARGRAD_EXTENSION must be 'auto', 'never' or 'require', got {WANTED!r}")

# Contracting a * b + c into one instruction would round once where Python rounds twice.
FLAGS = ["-O3", "-std=c11", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden"]
MSVC_FLAGS = ["/O2", "/std:c11", "/fp:precise"]


class BuildExtension(build_ext):
    """Goes on without the extension if it cannot be built, unless it is required."""

    def build_extension(self, extension):
        msvc = self.compiler.compiler_type == "msvc"
        extension.extra_compile_args = MSVC_FLAGS if msvc else FLAGS
        super().build_extension(extension)

    def run(self):
        try:
            super().run()
        except (BaseError, CompileError, LinkError, OSError) as error:
            if WANTED == "require":
                raise
            print(f"the compiled engine was not built ({error}); the one in Python will run")
            self.become_pure()

    def become_pure(self):
        """Make it an installation without extension; a wheel then fits every platform."""
        self.extensions = self.distribution.ext_modules = []
        if "bdist_wheel" in self.distribution.command_obj:
            self.distribution.get_command_obj("bdist_wheel").root_is_pure = True


extension = Extension(
    "scalargrad.engine.compiled",
    sources=sorted(map(str, SOURCES.glob("*.c"))),
    depends=sorted(map(str, SOURCES.glob("*.h"))),
)
setup(
    ext_modules=[] if WANTED == "never" else [extension],
    cmdclass={"build_ext": BuildExtension},
)
