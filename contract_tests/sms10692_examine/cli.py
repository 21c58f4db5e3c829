"""The command `sms10692-examine`: its subcommands, messages and exit codes."""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sms10692_examine import report_files
from sms10692_examine.driver_protocol import DriverError, DriverNotStarted, build_schema
from sms10692_examine.known_failures import apply_known_failures, find_mended, load_known_failures
from sms10692_examine.language import STATE_WORDS, WORDS, choose, expected_of, fix_of, format_counts, observed_of
from sms10692_examine.observations import Language, Observation
from sms10692_examine.ready_drivers import driver_command
from sms10692_examine.runner import RunResult, run_cases, select_cases
from sms10692_examine.settings import TIMEZONE, Authentication, Charset, Settings
from sms10692_examine.verdicts import State, Verdict, find_shared_causes
from sms10692_examine.visible_text import make_visible
from sms10692_examine.watch import watch_command

NAME: Final = "sms10692-examine"
FAILED, USAGE, NOTHING_JUDGED, INTERNAL = 1, 2, 3, 70

_PROGRESS_WIDTH: Final = 40
_COLOURS: Final = {
    State.PASSED: "green",
    State.FAILED: "bold red",
    State.WARNING: "yellow",
    State.NOT_SUPPORTED: "dim",
    State.NOT_JUDGED: "dim",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sms10692", message="%(version)s")
def command() -> None:
    """Conformance test for clients of the sms10692.com SMS API, in any language.

    Exit code 0: no case failed, apart from known failures. 1: a case failed. 2: wrong usage, or a report cannot be
    written. 3: no case could be judged. 70: internal error of this command. 130: interrupted.
    """


@command.command()
@click.option("--only", multiple=True, metavar="ID", help="a case, a group, or the beginning of ids; repeatable")
@click.option("--list", "is_list", is_flag=True, help="list the cases and run nothing")
@click.option("--authentication", type=click.Choice(["signed", "password"]), default="signed", show_default=True)
@click.option("--charset", type=click.Choice(["utf-8", "gb2312"]), default="utf-8", show_default=True)
@click.option(
    "--timeout", type=click.FloatRange(0.1, 60), default=2.0, show_default=True, help="of the client, seconds"
)
@click.option("--timezone", default=TIMEZONE, show_default=True, help="TZ of the driver")
@click.option("--jobs", type=click.IntRange(1, 32), default=4, show_default=True, help="drivers at once")
@click.option("--expect", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="file of known failures")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="write a page in both languages")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="write JUnit XML")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="write JSON, for `report`")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.argument("driver", nargs=-1, type=click.UNPROCESSED)
def run(
    only: tuple[str, ...],
    is_list: bool,
    authentication: Authentication,
    charset: Charset,
    timeout: float,
    timezone: str,
    jobs: int,
    expect: Path | None,
    html: Path | None,
    junit: Path | None,
    json_file: Path | None,
    lang: Language,
    driver: tuple[str, ...],
) -> int:
    """Examine a client: sms10692-examine run -- php driver.php"""
    console = Console(highlight=False)
    try:
        cases = select_cases(only)
        known = load_known_failures(expect) if expect else []
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if is_list:
        for case in cases:
            console.print(f"{case.id}  {escape(expected_of(case, lang))}", soft_wrap=True)
        return 0
    if not driver:
        raise click.UsageError("the command of the driver is missing, as in: sms10692-examine run -- php driver.php")
    if shutil.which(driver[0]) is None:
        raise click.UsageError(f"cannot start the driver: {_explain_missing(driver[0])}")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.UsageError(f"unknown time zone {timezone!r}") from error
    settings = Settings(driver, authentication, charset, timeout, timezone, jobs)
    done: list[Verdict] = []

    def show_progress(verdict: Verdict) -> None:
        done.append(verdict)
        if console.is_terminal:
            console.print(f"{len(done)}/{len(cases)} {verdict.case.id}".ljust(_PROGRESS_WIDTH), end="\r")
        elif len(done) % 20 == 0:
            click.echo(f"{len(done)} of {len(cases)} cases", err=True)

    for file in (html, junit, json_file):
        if file is not None and not file.absolute().parent.is_dir():
            raise click.UsageError(f"cannot write {file}: there is no folder {file.parent}")
    try:
        result = run_cases(settings, cases, show_progress)
    except DriverNotStarted as error:
        raise click.UsageError(f"{error}. {_explain_missing(driver[0])}") from error
    except DriverError as error:
        click.echo(f"{NAME}: {make_visible(str(error)).rstrip()}", err=True)
        if error.cause == "driver-silent":
            click.echo(f"{NAME}: does the driver write its answer to `configure`, and flush it?", err=True)
        return NOTHING_JUDGED
    if console.is_terminal:
        console.print(" " * _PROGRESS_WIDTH, end="\r")
    result.verdicts = apply_known_failures(result.verdicts, known)
    document = report_files.build_json(result, settings)
    not_written = _write_files(
        (html, lambda: report_files.build_html(result, settings).encode(errors="backslashreplace")),
        (junit, lambda: report_files.build_junit(result, settings, lang)),
        (json_file, lambda: json.dumps(document, ensure_ascii=False, indent=1).encode()),
    )
    _print_result(console, result, settings, lang)
    for name in find_mended(result.verdicts, known):
        mended = Observation("{} passed, and is listed as a known failure: remove it from {}", name, expect)
        console.print(escape(mended.in_language(lang)), soft_wrap=True)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _print_annotations(result, lang)
    if not_written:
        raise click.UsageError("; ".join(not_written))
    return _conclude(result.verdicts)


def _explain_missing(program: str) -> str:
    """Return why a program cannot be started, as far as its file shows it."""
    if not program:
        return "the name of the program is empty; is a variable of the shell empty?"
    file = Path(shutil.which(program) or program)
    if file.is_dir():
        return f"{program!r} is a folder"
    if not file.is_file():
        return f"there is no program {program!r}"
    if not os.access(file, os.X_OK):
        return f"{program!r} is not executable; see chmod +x, or name its interpreter, as in: php {program}"
    return f"The first line of {program!r} has to name an interpreter that exists, as #!/usr/bin/env php"


def _conclude(verdicts: Sequence[Verdict]) -> int:
    if any(verdict.is_new_failure for verdict in verdicts):
        return FAILED
    judged = {State.PASSED, State.WARNING, State.FAILED}
    return 0 if any(verdict.state in judged for verdict in verdicts) else NOTHING_JUDGED


def _write_files(*builders: tuple[Path | None, Callable[[], bytes]]) -> list[str]:
    """Write each file that is named, whatever happens to the others; return what could not be written, and why."""
    failures = []
    for file, build in builders:
        if file is not None:
            try:
                file.write_bytes(build())
            except OSError as error:
                failures.append(f"cannot write {file}: {error.strerror}")
    return failures


def _print_result(console: Console, result: RunResult, settings: Settings, language: Language) -> None:
    """Print what to mend first, failures and warnings with their explanation, and what was not judged by reason.

    At the end stand the causes that several failures have in common, and the counts.
    """
    if result.refused is not None:
        _print_verdict(console, State.FAILED, make_visible(result.refused.in_language(language)), (), language)
    unjudged: dict[tuple[State, str], list[str]] = {}
    for verdict in result.verdicts:
        if verdict.state in (State.NOT_SUPPORTED, State.NOT_JUDGED):
            unjudged.setdefault((verdict.state, observed_of(verdict, language)), []).append(verdict.case.id)
        elif verdict.state is not State.PASSED:
            lines = report_files.describe(verdict, settings, language)
            _print_verdict(console, verdict.state, verdict.case.id, lines, language)
    for (state, observed), names in unjudged.items():
        lines = [f"{choose(WORDS['observed'], language)}: {observed}"]
        _print_verdict(console, state, ", ".join(names), lines, language)
    for shared in find_shared_causes(result.verdicts):
        console.print(escape(shared.in_language(language)), soft_wrap=True)
    name = f"{result.client}: " if result.client else ""
    counts = escape(f"{name}{format_counts(result.verdicts, language)}")
    console.print(f"{counts} ({choose(WORDS['start'], language)} {result.start_seconds:.1f} s)", soft_wrap=True)


def _print_verdict(console: Console, state: State, names: str, lines: Sequence[str], language: Language) -> None:
    console.print(f"[{_COLOURS[state]}]{choose(STATE_WORDS[state], language)}[/] {escape(names)}", soft_wrap=True)
    for line in lines:
        console.print(f"  {escape(line)}", soft_wrap=True)


def _print_annotations(result: RunResult, language: Language) -> None:
    """Print what to mend first, failures and warnings as GitHub shows them beside a run."""
    if result.refused is not None:
        _print_annotation("error", NAME, result.refused.in_language(language))
    for verdict in result.verdicts:
        if verdict.is_new_failure or verdict.state is State.WARNING:
            kind = "error" if verdict.is_new_failure else "warning"
            text = choose(("{}. {}", "{}。{}"), language).format(
                observed_of(verdict, language), fix_of(verdict, language)
            )
            _print_annotation(kind, f"{NAME} {verdict.case.id}", text)


def _print_annotation(kind: str, title: str, text: str) -> None:
    escaped = make_visible(text).replace("%", "%25").replace("\n", "%0A")
    click.echo(f"::{kind} title={title}::{escaped}")


@command.command()
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="write the matrix as a page")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def report(html: Path | None, files: tuple[Path, ...]) -> int:
    """Compare runs: draw the matrix of cases and clients from files of `run --json`."""
    try:
        documents = [report_files.load_document(file.read_text("utf-8"), str(file)) for file in files]
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
    names, rows = report_files.build_matrix(documents)
    table = Table("case", *names)
    for name, states in rows:
        table.add_row(name, *(report_files.MARKS.get(state, "") for state in states))
    console = Console(highlight=False)
    console.print(table)
    for name, document in zip(names, documents, strict=True):
        if document.get("refused"):
            console.print(escape(f"{name}: {document['refused']['en']}"), soft_wrap=True)
    if not_written := _write_files((html, lambda: report_files.build_matrix_html(documents).encode())):
        raise click.UsageError(not_written[0])
    return 0


@command.command()
def schema() -> int:
    """Print the JSON Schema of the answers of a driver."""
    click.echo(json.dumps(build_schema(), indent=2))
    return 0


command.add_command(watch_command)
command.add_command(driver_command)


class _Terminated(KeyboardInterrupt):
    """A signal that ends the run like Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise _Terminated(number)


def main() -> None:
    """Run the command. Errors are printed as one line on standard error."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _terminate)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    sys.exit(_run_command())


def _run_command() -> int:
    try:
        code: int = command.main(prog_name=NAME, standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"{NAME}: {' '.join(error.format_message().split())}", err=True)
        return USAGE
    except (click.Abort, KeyboardInterrupt) as error:
        click.echo(f"{NAME}: interrupted", err=True)
        cause = error.__cause__ or error.__context__ or error
        return cause.exit_code if isinstance(cause, _Terminated) else 130
    except Exception:
        traceback.print_exc()
        click.echo(f"{NAME}: this is a bug of {NAME}, not a failure of the client", err=True)
        return INTERNAL
    return code
