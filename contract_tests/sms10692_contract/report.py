"""Reports of a run: a table for the terminal, an HTML page, and JUnit XML for CI.

**Text of the server is escaped with `escape_unprintable` before it is written.**
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Final
from xml.etree.ElementTree import Element, ElementTree, SubElement

from rich.console import Console
from rich.table import Table

from sms10692_contract.clauses import CLAUSES, CONTRACT, FAMILIES, READINGS, Clause, count_observed
from sms10692_contract.escaping import escape_unprintable, show_invisible
from sms10692_contract.http import Address
from sms10692_contract.requests import WireRequest
from sms10692_contract.runner import State, Verdict

_COLOURS: Final = {
    State.HELD: "green",
    State.FAILED: "bold red",
    State.DIFFERS: "cyan",
    State.EXPECTED: "cyan",
    State.NOT_EXERCISED: "yellow",
    State.NOT_JUDGED: "yellow",
}
UNDECIDED: Final = (State.NOT_EXERCISED, State.NOT_JUDGED)
"""States without a result: a reason is shown instead of a response."""

_LEGEND_WIDTH: Final = 116
_LOG_WIDTH: Final = 160

LEGEND: Final = "\n".join(
    [
        *wrap(
            "Labels. manual: its words demand it, in this chapter. observed: seen in requests of real clients or"
            " responses of real servers; S: three or more sources, M: two, W: one. reading: our choice where the manual"
            " is silent. ours: nothing speaks for or against it.",
            _LEGEND_WIDTH,
        ),
        *wrap(
            f"First letters. {'. '.join(f'{letter}: {meaning}' for letter, meaning in FAMILIES.items())}.",
            _LEGEND_WIDTH,
        ),
        f"Confirmed at a real server: {count_observed()} of {len(CLAUSES)} clauses.",
        f"All clauses: {CONTRACT}",
        f"Readings: {READINGS}",
    ]
)
"""What the labels and the ids of the clauses mean."""
_PRECEDING_LIMIT: Final = 400
"""Longest curl line that is shown for a request before the failed one."""

_DIFFERENCE_LIMIT: Final = 300
"""Longest response that is shown for a clause that is not demanded."""


def format_summary(verdicts: Sequence[Verdict]) -> str:
    """Return one line that counts the verdicts."""
    count = Counter(verdict.state for verdict in verdicts)
    exercised = len(verdicts) - sum(count[state] for state in UNDECIDED)
    parts = [f"{exercised} of {len(verdicts)} clauses exercised", f"{count[State.HELD]} held"]
    if count[State.FAILED]:
        parts.append(f"{count[State.FAILED]} failed")
    if count[State.DIFFERS]:
        parts.append(f"{count[State.DIFFERS]} not demanded differ")
    if count[State.EXPECTED]:
        parts.append(f"{count[State.EXPECTED]} differ as expected")
    if count[State.NOT_JUDGED]:
        parts.append(f"{count[State.NOT_JUDGED]} not judged")
    return ", ".join(parts)


def get_properties(clause: Clause) -> list[tuple[str, str]]:
    """Return the properties of a clause for JUnit, without empty ones."""
    pairs = [("provenance", str(clause.provenance)), ("grade", clause.grade), ("source", clause.source)]
    rest = [("last_observed", clause.observed), ("documentation", clause.link)]
    return [(name, value) for name, value in (*pairs, *rest) if value]


def group_by_cause(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """Group deviations with the same cause, in the order of their first. Without a cause each is a group."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.cause or verdict.clause.id, []).append(verdict)
    return list(groups.values())


def format_group(group: Sequence[Verdict], address: Address, repeat: Mapping[str, str]) -> str:
    """Return the report of failed clauses with one cause: the cause, the clauses, and the first of them in full."""
    first, *others = group
    failure = format_failure(first, address, repeat[first.clause.id])
    if not others:
        return failure
    names = ", ".join(f"{verdict.clause.id} ({verdict.clause.label})" for verdict in group)
    return f"{len(group)} clauses, one cause: {escape_unprintable(first.cause)}\n  clauses:  {names}\n{failure}"


def format_difference(group: Sequence[Verdict]) -> str:
    """Return the short report of clauses that differ with one cause, and are not demanded."""
    first = group[0]
    names = ", ".join(f"{verdict.clause.id} ({verdict.clause.label})" for verdict in group)
    lines = [
        f"differs: {names}: {first.clause.text if len(group) == 1 else escape_unprintable(first.cause)}",
        f"  expected: {_indent(_shorten(first.expected))}",
        f"  actual:   {_indent(_shorten(first.actual))}",
    ]
    return "\n".join(lines)


def _shorten(text: str) -> str:
    return text if len(text) <= _DIFFERENCE_LIMIT else f"{text[:_DIFFERENCE_LIMIT]}…"


def format_failure(verdict: Verdict, address: Address, repeat_command: str) -> str:
    """Return the report of a failed clause: the shortest failing request, the expected and the actual response."""
    clause = verdict.clause
    lines = [f"{clause.id} ({clause.label}): {clause.text}", f"  see:      {clause.link}"]
    if clause.literal:
        lines.append(f"  literal:  {clause.literal}")
    if clause.last_observed is not None:
        lines.append(f"  observed: {clause.observed}")
    options = address.curl_options
    lines += [f"  before:   {_format_request(request, address.url, *options)}" for request in verdict.preceding[-3:]]
    if verdict.request is not None:
        lines.append(f"  request:  {verdict.request.build_curl(address.url, *options)}")
    lines += [
        f"  expected: {_indent(verdict.expected)}",
        f"  actual:   {_indent(verdict.actual)}",
        f"  repeat:   {repeat_command}",
    ]
    return "\n".join(lines)


def _format_request(request: WireRequest, url: str, *options: str) -> str:
    """Return the curl line of a request, or only its length if the line is too long."""
    line = request.build_curl(url, *options)
    return line if len(line) <= _PRECEDING_LIMIT else f"{request.method} {request.endpoint}, {len(request.body)} bytes"


def _indent(text: str) -> str:
    """Escape a text and indent its lines after the first, so that a response cannot forge a line of the report."""
    return show_invisible(text).replace("\n", "\n            ")


def format_verdicts(verdicts: Sequence[Verdict], console: Console) -> str:
    """Return a table of all clauses and verdicts, formatted for this console."""
    rows = _create_clause_table("verdict")
    for verdict in verdicts:
        clause, state = verdict.clause, verdict.state
        result = describe_result(verdict)
        if state is State.EXPECTED:
            result += f" ({escape_unprintable(verdict.reason)})"
        if state in UNDECIDED:
            reason = escape_unprintable(verdict.reason)
            result += f" ({reason})" if state is State.NOT_EXERCISED else f": {reason}"
        rows.add_row(
            clause.id, clause.label, clause.text, result, style=None if state is State.HELD else _COLOURS[state]
        )
    return _render(rows, console)


def describe_result(verdict: Verdict) -> str:
    """Return the state of a verdict, and which cases were judged if not all were."""
    return verdict.state.value + (f" ({verdict.cases})" if verdict.cases else "")


def format_selection(reasons: Mapping[str, str], console: Console) -> str:
    """Return a table of all clauses that says which would be checked. `reasons` has, by id, why a clause would not."""
    rows = _create_clause_table("checked")
    for clause in CLAUSES:
        reason = reasons[clause.id]
        rows.add_row(clause.id, clause.label, clause.text, f"no ({reason})" if reason else "yes")
    count = sum(not reason for reason in reasons.values())
    return f"{_render(rows, console)}\n\n{count} of {len(reasons)} clauses would be checked"


def build_console() -> Console:
    """Return a console that formats the tables and prints nothing.

    It is as wide as the terminal, or wide enough for a log, whose reader can scroll.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _LOG_WIDTH)
    return console


def _create_clause_table(last_column: str) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for name in ("clause", "label"):
        table.add_column(name, no_wrap=True)
    table.add_column("requirement")
    table.add_column(last_column)
    return table


def _render(table: Table, console: Console) -> str:
    """Return a table as text, formatted for this console.

    **Do not print with the console:** `rich` ends the process with exit code 1 when a pipe is closed.
    """
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def check_writable(file: Path) -> None:
    """Raise OSError if the file cannot be written. An existing file is not changed."""
    is_new = not file.exists()
    if not is_new and not file.is_file():
        return  # opening a named pipe would block until it is read
    with file.open("ab"):
        pass
    if is_new:
        file.unlink()


def write_html(
    verdicts: Sequence[Verdict], file: Path, address: Address, repeat: dict[str, str], title: str = ""
) -> None:
    """Write the report as a self-contained HTML page. `repeat` has the command that repeats a clause, by id.

    The heading is `title`, by default the address.
    """
    rows = []
    for verdict in verdicts:
        detail = escape_unprintable(verdict.reason) if verdict.state in UNDECIDED else ""
        if verdict.is_deviation:
            detail = format_failure(verdict, address, repeat[verdict.clause.id])
        clause = verdict.clause
        cells = (clause.id, clause.label, clause.text, clause.literal, clause.observed)
        row = "".join(f"<td>{escape(cell)}</td>" for cell in (*cells, describe_result(verdict)))
        name = verdict.state.name.lower()
        rows.append(f'<tr class="{name}">{row}<td><pre>{escape(detail)}</pre></td></tr>')
    file.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>sms10692 contract</title><style>'
        "body{font:14px sans-serif}td,th{padding:.2em .6em;vertical-align:top;text-align:left}"
        "pre{white-space:pre-wrap;margin:0}.failed td{background:#fdd}.not_exercised td,.not_judged td{"
        "background:#ffd}.differs td,.expected td{background:#dff}</style>"
        f"<h1>{escape(title or address.url)}</h1><p>{escape(format_summary(verdicts))}</p><p>{escape(LEGEND)}</p>"
        f"{_render_causes(verdicts)}<table>"
        "<tr><th>clause<th>label<th>requirement<th>literal<th>last observed<th>verdict<th></tr>"
        + "\n".join(rows)
        + "</table></html>\n",
        "utf-8",
    )


def _render_causes(verdicts: Sequence[Verdict]) -> str:
    """Return a list of the causes that several failed clauses have."""
    groups = [group for group in group_by_cause([v for v in verdicts if v.state is State.FAILED]) if len(group) > 1]
    items = [
        f"<li>{escape(escape_unprintable(group[0].cause))}: {escape(', '.join(v.clause.id for v in group))}"
        for group in groups
    ]
    return f"<p>Failures with one cause:<ul>{''.join(items)}</ul>" if items else ""


def write_junit(verdicts: Sequence[Verdict], file: Path, address: Address, repeat: dict[str, str]) -> None:
    """Write the report as JUnit XML, with one test case per clause."""
    count = Counter(verdict.state for verdict in verdicts)
    suite = Element("testsuite", name="sms10692-contract", tests=str(len(verdicts)))
    suite.set("failures", str(count[State.FAILED]))
    suite.set("skipped", str(sum(count[state] for state in (*UNDECIDED, State.DIFFERS, State.EXPECTED))))
    for verdict in verdicts:
        clause = verdict.clause
        class_name = f"sms10692_contract.{clause.section.replace('.', '_').replace(' ', '.')}"
        case = SubElement(suite, "testcase", classname=class_name, name=f"{clause.id} {clause.text}")
        case.set("time", f"{verdict.seconds:.3f}")
        properties = SubElement(case, "properties")
        cases = [("cases", verdict.cases)] if verdict.cases else []
        for name, value in (*get_properties(clause), *cases):
            SubElement(properties, "property", name=name, value=value)
        if verdict.state is State.FAILED:
            element = SubElement(case, "failure", message=escape_unprintable(verdict.reason))
            element.text = format_failure(verdict, address, repeat[clause.id])
        elif verdict.is_deviation:
            message = f"{verdict.state.value}: {escape_unprintable(verdict.reason)}"
            element = SubElement(case, "skipped", message=message)
            element.text = format_failure(verdict, address, repeat[clause.id])
        elif verdict.state in UNDECIDED:
            reason = escape_unprintable(verdict.reason)
            message = reason if verdict.state is State.NOT_EXERCISED else f"{verdict.state.value}: {reason}"
            SubElement(case, "skipped", message=message)
    ElementTree(suite).write(file, "utf-8", xml_declaration=True)


def write_json(verdicts: Sequence[Verdict], file: Path, address: Address, title: str) -> None:
    """Write the report as JSON: an object with `title`, `summary`, and `clauses`, a list of objects."""
    rows = [
        {
            "clause": verdict.clause.id,
            "label": verdict.clause.label,
            "requirement": verdict.clause.text,
            "verdict": verdict.state.value,
            "reason": escape_unprintable(verdict.reason),
            "expected": escape_unprintable(verdict.expected),
            "actual": escape_unprintable(verdict.actual),
            "difference": escape_unprintable(verdict.cause),
            "request": verdict.request.build_curl(address.url, *address.curl_options) if verdict.request else "",
        }
        for verdict in verdicts
    ]
    document = {"title": title, "summary": format_summary(verdicts), "clauses": rows}
    file.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
