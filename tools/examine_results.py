"""Run every ready-made driver, our own clients and the first draft, and write what they pass: tables and a picture.

The tables of `docs/examine-results.md` and the pictures `docs/examine-matrix.svg`, each in English and Chinese. Needs
the runtimes of `.ci/install-driver-runtimes all`; takes four minutes.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from sms10692_examine.case_table import GROUPS
from sms10692_examine.language import STATE_WORDS, choose
from sms10692_examine.ready_drivers import DRIVERS
from sms10692_examine.runner import RunResult, run_cases, select_cases
from sms10692_examine.settings import Authentication, Charset, Settings
from sms10692_examine.verdicts import State, Verdict, count_states
from support.examining import repeat_doubted

TOP: Final = Path(__file__).parents[1]
EXAMPLES: Final = TOP / "tests" / "examine"
PAGES: Final[tuple[tuple[Authentication, Charset], ...]] = (("signed", "utf-8"), ("password", "gb2312"))
SUFFIXES: Final = ("", ".zh-CN")

COLOURS: Final = {
    State.PASSED: "#2f9e5f",
    State.FAILED: "#d6333a",
    State.WARNING: "#f0a020",
    State.NOT_SUPPORTED: "#c3c9cf",
    State.NOT_JUDGED: "#9dbbe6",
}
SQUARE: Final = 9
PER_ROW: Final = 7
COLUMN: Final = 79
LEFT: Final = 148
TOP_MARGIN: Final = 64
WORDS: Final = {
    "title": ("129 cases, each a square, by client", "129 个用例，每个方块一个，按客户端排列"),
    "client": ("client", "客户端"),
    "page": ("page", "接口页面"),
    "seconds": ("run", "运行"),
    "start": ("start", "启动"),
    "case": ("case", "用例"),
    "loss": ("cost", "后果"),
    "verdict": ("verdict", "结论"),
    "of": ("passed", "通过"),
    "first draft": ("first draft", "初稿"),
    "request": ("what it sends", "发送的内容"),
    "response": ("what it understands", "对响应的理解"),
    "failure": ("when something fails", "出错时的行为"),
    "once": ("each item once", "每条记录一次"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run of a client at a page."""

    name: str
    page: tuple[Authentication, Charset]
    result: RunResult
    seconds: float
    start_seconds: float


def find_clients(folder: Path) -> dict[str, tuple[str, ...]]:
    """Build the drivers in a folder, and return the commands by the names of the columns."""
    commands: dict[str, tuple[str, ...]] = {}
    names = {
        "php": "PHP",
        "node": "Node",
        "java": "Java",
        "csharp": "C#",
        "go": "Go",
        "python": "Python",
        "python-async": "asyncio",
    }
    for language, driver in DRIVERS.items():
        place = folder / language
        place.mkdir()
        (place / driver.file).write_bytes(driver.read())
        if driver.build:
            subprocess.run(driver.build, cwd=place, check=True)
        words = {"python": sys.executable, ".": str(place), "./driver": str(place / "driver")}
        words |= {name: str(place / name) for name in (driver.file, "Driver.exe")}
        commands[names[language]] = tuple(words.get(word, word) for word in driver.run)
    own = (sys.executable, str(EXAMPLES / "client_driver.py"))
    commands["Client"] = own
    commands["AsyncClient"] = (*own, "async")
    commands["first draft"] = ("php", str(EXAMPLES / "first_draft.php"))
    return commands


def examine(name: str, command: tuple[str, ...], page: tuple[Authentication, Charset]) -> Run:
    """Run all cases, and those that fail again, alone; the start is measured alone too, with one driver."""
    authentication, charset = page
    alone = run_cases(Settings(command, authentication, charset, jobs=1), select_cases(["Q-post"]))
    started = time.monotonic()
    settings = Settings(command, authentication, charset)
    result = run_cases(settings, select_cases(()))
    seconds = time.monotonic() - started
    result = repeat_doubted(settings, result)
    counts = ", ".join(f"{count} {state.value}" for state, count in count_states(result.verdicts).items() if count)
    sys.stdout.write(f"{name} {authentication} {charset}: {counts}; {seconds:.1f} s\n")
    for verdict in result.verdicts:
        if verdict.state is State.FAILED:
            sys.stdout.write(f"  {verdict.case.id}: {verdict.observed}\n")
    sys.stdout.flush()
    return Run(name, page, result, seconds, alone.start_seconds)


def name_run(run: Run, position: int) -> str:
    return WORDS[run.name][position] if run.name in WORDS else run.name


def build_counts(runs: Iterable[Run], position: int) -> list[str]:
    """Return the table of counts and times."""
    states = [state for state in State if state is not State.NOT_JUDGED]
    heads = [WORDS["client"][position], WORDS["page"][position]]
    heads += [choose(STATE_WORDS[state], "zh" if position else "en") for state in states]
    heads += [WORDS["seconds"][position], WORDS["start"][position]]
    lines = [f"| {' | '.join(heads)} |", f"| --- | --- |{' ---: |' * 6}"]
    for run in runs:
        counts = count_states(run.result.verdicts)
        cells = [name_run(run, position), f"`{run.page[0]}` `{run.page[1]}`", *(str(counts[state]) for state in states)]
        lines.append(f"| {' | '.join(cells)} | {run.seconds:.1f} s | {run.start_seconds:.2f} s |")
    return lines


def build_findings(run: Run, position: int) -> list[str]:
    """Return the table of what a run failed, with the cost of each."""
    lines = [f"| {' | '.join(WORDS[name][position] for name in ('case', 'verdict', 'loss'))} |", "| --- | --- | --- |"]
    for verdict in run.result.verdicts:
        if verdict.state in (State.FAILED, State.WARNING):
            word = choose(STATE_WORDS[verdict.state], "zh" if position else "en")
            loss = verdict.case.loss_zh if position else verdict.case.loss
            lines.append(f"| `{verdict.case.id}` | {word} | {loss} |")
    return lines


def write_between(file: Path, marker: str, lines: Sequence[str]) -> None:
    """Replace what stands between a marker and the next `<!-- end -->`."""
    text = file.read_text("utf-8")
    head, found, rest = text.partition(f"<!-- {marker} -->\n")
    if not found:
        raise ValueError(f"{file}: no marker {marker}")
    _, end, tail = rest.partition("<!-- end -->")
    file.write_text("".join((head, found, "\n".join(lines), "\n", end, tail)), "utf-8")


def build_picture(runs: Sequence[Run], position: int) -> str:
    """Return the matrix as SVG: a column per client, a block per group, a square per case."""
    parts: list[str] = []
    y = TOP_MARGIN
    for group in GROUPS:
        height = 0
        for column, run in enumerate(runs):
            verdicts = [verdict for verdict in run.result.verdicts if verdict.case.group == group]
            x = LEFT + column * COLUMN
            parts += draw_squares(verdicts, x, y)
            height = (len(verdicts) + PER_ROW - 1) // PER_ROW * SQUARE
            passed = sum(verdict.state is State.PASSED for verdict in verdicts)
            parts.append(f'<text x="{x}" y="{y + height + 13}" class="n">{passed} / {len(verdicts)}</text>')
        parts.append(f'<text x="10" y="{y + 9}">{escape(WORDS[group][position])}</text>')
        y += height + 32
    parts.insert(0, f'<text x="10" y="22" class="t">{WORDS["title"][position]}</text>')
    for column, run in enumerate(runs):
        x, label = LEFT + column * COLUMN, escape(name_run(run, position))
        parts.append(f'<text x="{x}" y="{TOP_MARGIN - 12}" class="c">{label}</text>')
    x = LEFT
    for state in (State.PASSED, State.FAILED, State.WARNING, State.NOT_SUPPORTED, State.NOT_JUDGED):
        parts.append(f'<rect x="{x}" y="{y}" width="11" height="11" fill="{COLOURS[state]}" stroke="#8a939b"/>')
        parts.append(f'<text x="{x + 17}" y="{y + 10}">{STATE_WORDS[state][position]}</text>')
        x += 130
    width = LEFT + len(runs) * COLUMN
    style = (
        "text{font:12px system-ui,'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;fill:#1f2328}"
        ".t{font-size:15px;font-weight:600}.c{font-weight:600;font-size:11px}.n{font-size:11px;fill:#57606a}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 24}" width="{width}" height="{y + 24}" '
        f'role="img"><title>{WORDS["title"][position]}</title><style>{style}</style>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def draw_squares(verdicts: Sequence[Verdict], x: int, y: int) -> Iterator[str]:
    """Yield a path for each state: squares in rows."""
    size = SQUARE - 1.5
    for state, colour in COLOURS.items():
        corners = [
            f"M{x + number % PER_ROW * SQUARE} {y + number // PER_ROW * SQUARE}h{size}v{size}h-{size}z"
            for number, verdict in enumerate(verdicts)
            if verdict.state is state
        ]
        if corners:
            yield f'<path fill="{colour}" d="{"".join(corners)}"/>'


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        commands = find_clients(Path(folder))
        runs = [
            examine(name, command, page)
            for name, command in commands.items()
            for page in PAGES
            if name != "first draft" or page == PAGES[0]
        ]
    signed = [run for run in runs if run.page == PAGES[0]]
    for position, suffix in enumerate(SUFFIXES):
        page = TOP / "docs" / f"examine-results{suffix}.md"
        write_between(page, "counts", build_counts(runs, position))
        write_between(page, "first draft", build_findings(signed[-1], position))
        (TOP / "docs" / f"examine-matrix{suffix}.svg").write_text(build_picture(signed, position), "utf-8")


if __name__ == "__main__":
    main()
