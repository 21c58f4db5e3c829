"""`make bench-deps` works with what `make` installs: without the packages of the extra [bench]."""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]

PROGRAM = """
import runpy, sys
sys.modules["granian"] = sys.modules["matplotlib"] = None
sys.argv = ["peers"]
runpy.run_module("benchmarks.peers", run_name="__main__")
"""


def test_the_peers_are_listed_without_the_packages_of_the_benchmarks(tmp_path: Path) -> None:
    environment = os.environ | {"PEERS": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=TOP,
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "moto, SNS 5.2.5: not installed" in ended.stdout
