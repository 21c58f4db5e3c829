"""Runs the commands of `action.yml` as GitHub's runner does: bash with the same options, variables and outputs.

As a program it runs all steps, installation included, sends a request and stops the emulator.
"""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from sms10692 import Client
from support.http_client import TIMEOUT, free_port

TOP: Final = Path(__file__).parents[2]
_SHELL: Final = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]


def load_action() -> Any:
    """The document of the action."""
    return yaml.safe_load((TOP / "action.yml").read_text("utf-8"))


def run_step(name: str, folder: Path, outputs: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the step with this id, or this name. `folder` is the runner's temporary folder.

    The output goes to a file, because the emulator that a step starts outlives the step.
    """
    action = load_action()
    (step,) = (step for step in action["runs"]["steps"] if name in (step.get("id"), step["name"]))
    assert step["shell"] == "bash"
    values = {key: given.get("default", "") for key, given in action["inputs"].items()} | inputs
    environment = {
        key: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: values[match[1]], text)
        for key, text in step.get("env", {}).items()
    }
    runner = {"RUNNER_TEMP": str(folder), "GITHUB_ACTION_PATH": str(TOP), "GITHUB_OUTPUT": str(outputs)}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        completed = subprocess.run(
            [*_SHELL, step["run"]],
            env=os.environ | runner | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=10 * TIMEOUT,
            check=False,
        )
        output.seek(0)
        return subprocess.CompletedProcess(completed.args, completed.returncode, output.read())


@contextmanager
def running_emulator(folder: Path, **inputs: str) -> Iterator[dict[str, str]]:
    """Run the step that starts the emulator, on a free port. Yields the outputs of the action; stops the emulator."""
    file = folder / "outputs"
    completed = run_step("start", folder, file, port=str(free_port()), **inputs)
    assert completed.returncode == 0, completed.stdout
    outputs = dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines())
    try:
        assert set(outputs) == set(load_action()["outputs"])
        yield outputs
    finally:
        os.kill(int(outputs["pid"]), signal.SIGTERM)


def main() -> None:
    """Run the whole action in an empty folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for step in load_action()["runs"]["steps"][:-1]:
            completed = run_step(step["name"], folder, folder / "outputs")
            assert completed.returncode == 0, completed.stdout
        with (
            running_emulator(folder) as outputs,
            Client(outputs["url"], account="test", password="mima", userid="12") as client,
        ):
            assert client.send(["15023239810"], "内容").task_id


if __name__ == "__main__":
    main()
