"""Follow the tutorials as a reader does: in a fresh clone, with their commands only, then run both CI files.

A CI job is run in a clone of the reader's project, as a CI system checks it out: the `run` steps of the GitHub file,
each in a shell of its own, and the lines of the GitLab file in one shell. Steps with `uses:` are taken as done, so
PHPUnit, Maven and npm must be installed. Lines with `apt-get` need root.

If Maven's central repository cannot be reached, and the settings of the user name no other, Maven takes JUnit and
plugins from Debian's packages. Only their versions in pom.xml differ then, and the output says so.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

import yaml

from support.documents import BLOCKS, TOP, read
from support.http_client import free_port

NAMES: Final = ("pytest", "php", "java", "ci")
TIMEOUT: Final = 600.0
CENTRAL: Final = "https://repo.maven.apache.org/maven2/"
DEBIAN: Final = Path("/usr/share/maven-repo")
"""Maven's repository of Debian's packages."""
DEBIAN_PACKAGES: Final = "junit5 libsurefire-java libmaven-compiler-plugin-java libmaven-resources-plugin-java"
DEBIAN_SETTINGS: Final = """<settings>
  <localRepository>{local}</localRepository>
  <profiles>
    <profile>
      <id>debian</id>
      <repositories>
        <repository>
          <id>central</id><url>{url}</url><releases><checksumPolicy>ignore</checksumPolicy></releases>
        </repository>
      </repositories>
      <pluginRepositories>
        <pluginRepository>
          <id>central</id><url>{url}</url><releases><checksumPolicy>ignore</checksumPolicy></releases>
        </pluginRepository>
      </pluginRepositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>debian</activeProfile></activeProfiles>
</settings>
"""


class Reader:
    """Runs commands below `folder`, and ends everything that they started.

    The emulator has a free port in place of the default one, so that a run disturbs no other. `is_server` is false for
    tests that run the emulator in their process.
    """

    def __init__(self, folder: Path, *, is_server: bool) -> None:
        self._folder = folder
        self._groups: list[int] = []
        port = free_port()
        author = {
            f"GIT_{role}_{key}": "reader@example.com" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
        }
        server = {"SMS10692_MOCK_PORT": str(port), "SMS10692_MOCK_URL": f"http://127.0.0.1:{port}"}
        unset = {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS"}
        self._environment = (
            {name: value for name, value in os.environ.items() if name not in unset}
            | author
            | (server if is_server else {})
        )

    def run(self, script: str, folder: str) -> float:
        """Run a script in a shell that ends at the first failing command, and return its seconds."""
        started = time.monotonic()
        process = self._start(script, folder)
        if process.wait(TIMEOUT) != 0:
            sys.exit(f"{self._folder / folder}: exit code {process.returncode}:\n{script}")
        return time.monotonic() - started

    def prepend_path(self, programs: Path) -> None:
        """Let later commands find programs in this folder first."""
        self._environment["PATH"] = f"{programs}{os.pathsep}{self._environment['PATH']}"

    def _start(self, script: str, folder: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            ["/bin/bash", "-ec", script], cwd=self._folder / folder, env=self._environment, start_new_session=True
        )
        self._groups.append(process.pid)
        return process

    def end(self) -> None:
        """End the processes that the commands left running."""
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                continue
        self._groups.clear()
        time.sleep(1)  # until the emulators have closed their ports


def is_central_reachable() -> bool:
    """Whether Maven can download: from the central repository, or as the user's settings say."""
    if (Path.home() / ".m2" / "settings.xml").exists():
        return True
    try:
        with urllib.request.urlopen(CENTRAL, timeout=20):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def replace_versions(pom: str, repository: Path) -> tuple[str, list[str]]:
    """Give JUnit and the plugins of a pom.xml the newest version of a repository, and return what was replaced.

    Ends the program if one is missing there.
    """
    replaced: list[str] = []

    def replace(match: re.Match[str]) -> str:
        group, artifact, version = match["group"] or "org.apache.maven.plugins", match["artifact"], match["version"]
        folder = repository / group.replace(".", "/") / artifact
        versions = [file.name for file in folder.glob("*") if re.fullmatch(r"[\d.]+", file.name)]
        if not versions:
            sys.exit(f"{CENTRAL} is not reachable, and {folder} is missing: apt-get install {DEBIAN_PACKAGES}")
        newest = max(versions, key=lambda name: [int(part) for part in name.split(".")])
        replaced.append(f"{artifact} {newest} for {version}")
        return match[0].replace(f"<version>{version}<", f"<version>{newest}<")

    pattern = (
        r"<(?:dependency|plugin)>\s*(?:<groupId>(?P<group>[^<]+)</groupId>\s*)?"
        r"<artifactId>(?P<artifact>[^<]+)</artifactId>\s*<version>(?P<version>[^<]+)</version>"
    )
    return re.sub(pattern, replace, pom), replaced


def use_debian_repository(folder: Path) -> str:
    """Prepare Debian's repository in place of Maven's, and return the command that lets the reader's project use it."""
    pom, replaced = replace_versions((folder / "clone/examples/junit5/pom.xml").read_text("utf-8"), DEBIAN)
    print(f"{CENTRAL} is not reachable: Maven uses {DEBIAN}, with {', '.join(replaced)}", flush=True)
    (folder / "pom.xml").write_text(pom, "utf-8")
    settings = folder / "settings.xml"
    settings.write_text(DEBIAN_SETTINGS.format(local=folder / "maven", url=DEBIAN.as_uri()), "utf-8")
    config = "../shop/.mvn/maven.config"
    return f"cp ../pom.xml ../shop && mkdir ../shop/.mvn && echo --settings {settings} > {config}"


def follow(name: str, folder: Path) -> str:
    """Follow a tutorial and return a row with its figures."""
    document = f"docs/tutorial-{name}.md"
    subprocess.run(["git", "clone", "--quiet", str(TOP), "clone"], cwd=folder, check=True)  # noqa: S607 - a developer's git
    blocks = [block.text for block in BLOCKS if block.document == document and block.language == "sh"]
    lines = [line for block in blocks if not block.startswith("#!") for line in block.splitlines()]
    reader = Reader(folder, is_server=name != "pytest")
    commands = len(lines)
    if name == "java" and not is_central_reachable():
        lines.insert(1, use_debian_repository(folder))
    try:
        green = reader.run("\n".join(lines), "clone")
        reader.end()
        github = yaml.safe_load((folder / "shop/.github/workflows/test.yml").read_text("utf-8"))["jobs"]["test"][
            "steps"
        ]
        reader.run("git clone --quiet shop github && git clone --quiet shop gitlab && python3 -m venv python", ".")
        reader.prepend_path(folder / "python" / "bin")  # the machine of a job: its `pip` installs nothing here
        steps = [step["run"] for step in github if "run" in step and "if" not in step]
        github_seconds = sum(reader.run(step, "github") for step in steps)
        reader.end()
        gitlab = yaml.safe_load((folder / "shop/.gitlab-ci.yml").read_text("utf-8"))["test"]
        gitlab_seconds = reader.run("\n".join([*gitlab.get("before_script", ()), *gitlab["script"]]), "gitlab")
    finally:
        reader.end()
    headings = len(re.findall(r"^## \d", read(document), re.MULTILINE))
    seconds = f"{green:.0f} s | {github_seconds:.0f} s | {gitlab_seconds:.0f} s"
    return f"| {name} | {headings} | {commands} | {seconds} |"


def main() -> None:
    """Follow the tutorials that the arguments name, or all."""
    rows = [
        "| tutorial | steps | commands | tests green, committed | GitHub job | GitLab job |",
        "|---|" + "---|" * 5,
    ]
    for name in sys.argv[1:] or NAMES:
        folder = Path(tempfile.mkdtemp(prefix="tutorial-"))
        try:
            rows.append(follow(name, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(rows))


if __name__ == "__main__":
    main()
