"""Build the documentation site: `python -m documentation_site FOLDER`. Any warning is an error.

FOLDER is replaced. It can be opened from the disk, or served by any server for static files.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from documentation_site.pages import CHINESE, ENGLISH, INDEX, Language, SiteError, check_pages, stage_pages

_HERE: Final = Path(__file__).parent
_TREE: Final = _HERE.parents[1]


def build_site(top: Path, output: Path) -> None:
    """Build the site of the pages of a tree. Raises SiteError, whose message has one line for each mistake."""
    check_pages(top)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    shutil.copyfile(_HERE / "index.html", output / "index.html")
    with tempfile.TemporaryDirectory() as folder:
        builds = [_start_sphinx(top, language, Path(folder), output) for language in (ENGLISH, CHINESE)]
        messages = [build.communicate()[0].replace(f"{folder}/", "") for build in builds]
    if any(build.returncode for build in builds):
        raise SiteError("".join(messages))


def _start_sphinx(top: Path, language: Language, folder: Path, output: Path) -> "subprocess.Popen[str]":
    """Start Sphinx in a process of its own: both languages are built at the same time."""
    sources = folder / language.folder
    stage_pages(top, language, sources)
    command = [sys.executable, "-m", "sphinx", "-q", "--no-color", "--fail-on-warning", "-b", "html"]
    command += ["-c", str(_HERE), "-d", str(folder / f"doctrees-{language.folder}")]
    command += ["-D", f"language={language.locale}", "-D", f"html_title={language.title}"]
    command += ["-A", f"other_folder={language.other_folder}", "-A", f"other_name={language.other_name}"]
    return subprocess.Popen(
        [*command, str(sources), str(output / language.folder)],
        env=os.environ | {"PYTHONPATH": str(_HERE.parent)},  # conf.py imports from this package.
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def main() -> None:
    """Build the site of this tree into the folder of the command line."""
    parser = argparse.ArgumentParser(prog="documentation_site", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    try:
        build_site(_TREE, folder)
    except SiteError as error:
        sys.exit(str(error))
    start = folder / ENGLISH.folder / Path(INDEX).with_suffix(".html")
    print(f"{start} and {folder / 'index.html'}")  # noqa: T201 - the command says where the site is


if __name__ == "__main__":
    main()
