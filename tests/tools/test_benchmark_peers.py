"""`make bench-deps` works in a fresh clone, without the packages of the extra [bench]."""

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


def test_the_competitors_are_listed_without_the_packages_of_the_extra_bench(tmp_path: Path) -> None:
    environment = os.environ | {"PEERS": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    completed = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=TOP,
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=60,
    )
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "moto, SNS 5.2.5: not installed" in completed.stdout
