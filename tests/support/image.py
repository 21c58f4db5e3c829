"""The image of the emulator, built and run by buildah as root, without registry and without container runtime.

All state of buildah is in one folder. With chroot isolation a container has the network and the processes of the
machine: its port is a port of 127.0.0.1, and its emulator is an ordinary process, which tests can kill.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from support.http_client import TIMEOUT, free_port

TOP: Final = Path(__file__).parents[2]
TOKEN: Final = "a-token-of-the-tests"
MOUNT: Final = "/store"
"""Where a folder of the machine is mounted: buildah mounts none over the volume of an image."""
_POLL_SECONDS: Final = 0.005


def run(*command: str, timeout: float = 600) -> str:
    """Run a command and return its output. Fails with both outputs if the command fails."""
    completed = subprocess.run(command, capture_output=True, text=True, cwd=TOP, timeout=timeout, check=False)
    assert completed.returncode == 0, f"{command}\n{completed.stdout}\n{completed.stderr}"
    return completed.stdout


@dataclass(frozen=True)
class Builder:
    """buildah with storage in `folder`."""

    folder: Path

    @property
    def command(self) -> list[str]:
        """The start of every command."""
        folders = ["--root", f"{self.folder}/storage", "--runroot", f"{self.folder}/run"]
        return ["buildah", "--storage-driver", "vfs", *folders]

    def call(self, *arguments: str) -> str:
        """Run a command of buildah and return its output."""
        return run(*self.command, *arguments).strip()

    def import_base(self, tree: Path, name: str) -> None:
        """Make an image of a folder with a system."""
        container = self.call("from", "scratch")
        self.call("add", "--quiet", container, str(tree), "/")
        self.call("commit", "--quiet", container, name)
        self.call("rm", container)

    def inspect(self, image: str) -> dict[str, Any]:
        """The configuration of an image, in Docker's format."""
        document: dict[str, Any] = json.loads(self.call("inspect", image))["Docker"]
        return document

    def layers(self, image: str) -> list[Path]:
        """The layers of an image as compressed archives, that of the base first."""
        target = self.folder / "oci"
        shutil.rmtree(target, ignore_errors=True)
        self.call("push", "--quiet", image, f"oci:{target}")
        blobs = target / "blobs" / "sha256"
        index = json.loads((target / "index.json").read_text())
        manifest = json.loads((blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_text())
        return [blobs / layer["digest"].removeprefix("sha256:") for layer in manifest["layers"]]

    @contextmanager
    def container(self, image: str) -> Iterator["Container"]:
        """A container of an image; it is deleted at the end."""
        name = self.call("from", image)
        try:
            yield Container(self, name, self.inspect(image)["config"])
        finally:
            self.call("rm", name)


@dataclass(frozen=True)
class Container:
    """A container: commands run in it as the image says, with its user and its environment."""

    builder: Builder
    name: str
    config: Mapping[str, Any]

    def command(self, *command: str, volume: Path | None = None, **environment: str) -> list[str]:
        """The command line that runs a command in the container."""
        variables = [f"--env={name}={value}" for name, value in environment.items()]
        volumes = [] if volume is None else [f"--volume={volume}:{MOUNT}"]
        return [*self.builder.command, "run", "--isolation", "chroot", *variables, *volumes, self.name, "--", *command]

    def call(self, *command: str) -> str:
        """Run a command in the container and return its output."""
        return run(*self.command(*command)).strip()

    @contextmanager
    def emulator(self, volume: Path | None = None, **environment: str) -> Iterator["ContainerProcess"]:
        """Run what the image runs by default, on a free port."""
        port = free_port()
        command = [*self.config["Entrypoint"], *self.config["Cmd"]]
        environment = {"SMS10692_MOCK_PORT": str(port), "SMS10692_MOCK_TOKEN": TOKEN} | environment
        with subprocess.Popen(
            self.command(*command, volume=volume, **environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        ) as process:
            running = ContainerProcess(process, port)
            try:
                yield running
            finally:
                for pid in running.find_processes():
                    os.kill(pid, signal.SIGKILL)
                process.kill()


@dataclass(frozen=True)
class ContainerProcess:
    """The running emulator of a container, seen from the machine."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        """The URL of the emulator."""
        return f"http://127.0.0.1:{self.port}"

    def find_processes(self) -> list[int]:
        """The numbers of the processes of the emulator: descendants of buildah that run Python."""
        found, unseen = [], [self.process.pid]
        while unseen:
            pid = unseen.pop()
            try:
                tasks = [*Path(f"/proc/{pid}/task").iterdir()]
                children = [int(word) for task in tasks for word in (task / "children").read_text().split()]
                name = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            except FileNotFoundError:
                continue  # it has ended
            unseen += children
            if Path(name).name.startswith("python"):
                found.append(pid)
        return found

    def wait_for(self, condition: Callable[[], bool]) -> float:
        """Wait until `condition()` holds, and return the seconds."""
        start = monotonic()
        while not condition():
            assert monotonic() - start < TIMEOUT
            assert self.process.poll() is None, "the container has ended"
            sleep(_POLL_SECONDS)
        return monotonic() - start


def debian_release() -> str:
    """The code name of this machine's Debian."""
    found = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def python_version_of(tree: Path) -> str:
    """The version of Python in a folder with a system, such as 3.11."""
    (library,) = tree.glob("usr/lib/python3.*")
    return library.name.removeprefix("python")
