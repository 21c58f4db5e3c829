"""Commands of the benchmarks, in a fresh clone, without the packages of the extra [bench]."""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]

PROGRAM = """
import runpy, sys
sys.modules["granian"] = sys.modules["matplotlib"] = None
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__")
"""


def run_module(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment |= {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(TOP / "tests")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=TOP,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | environment,
        check=False,
        timeout=60,
    )


def test_the_competitors_are_listed(tmp_path: Path) -> None:
    completed = run_module("benchmarks.peers", PEERS=str(tmp_path))
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "moto, SNS 5.2.5: not installed" in completed.stdout


def test_an_unknown_part_is_rejected() -> None:
    completed = run_module("benchmarks", "--only", "thruput")
    assert (completed.returncode, completed.stdout) == (2, "")
    assert "'thruput' is not one of 'throughput'" in completed.stderr
