"""Reports of a run as files: JSON, JUnit XML, and one HTML page in both languages; and the matrix of several runs."""

import base64
import json
import shlex
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePath
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sms10692_examine.case_table import load_cases
from sms10692_examine.exchange import Exchange, HttpRequest
from sms10692_examine.language import (
    STATE_WORDS,
    WORDS,
    choose,
    expected_of,
    fix_of,
    format_counts,
    group_of,
    loss_of,
    observed_of,
)
from sms10692_examine.observations import Language, translate
from sms10692_examine.runner import RunResult
from sms10692_examine.settings import Settings
from sms10692_examine.verdicts import State, Verdict, count_states, find_shared_causes
from sms10692_examine.visible_text import make_visible

_EMULATOR: Final = "http://127.0.0.1:10692"
"""Address of an emulator that was started without options."""
_SHOWN: Final = 3000
"""Most bytes of a request or response that a report shows."""
_SHOWN_EXCHANGES: Final = 4
_SHOWN_STDERR: Final = 12
_SHOWN_LINE: Final = 500
"""Most lines of standard error that a report shows, and most characters of a line."""
LANGUAGES: Final[tuple[Language, Language]] = ("en", "zh")


def format_bytes(content: bytes) -> str:
    """Return the beginning of bytes as text: UTF-8 where it is, escapes elsewhere; `+ N B` says what is left out."""
    text = content[:_SHOWN].decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return make_visible(text) + (f"\n… + {len(content) - _SHOWN:,} B" if len(content) > _SHOWN else "")


def format_curl(request: HttpRequest, url: str) -> str:
    """Return the curl command of a request, for a POSIX shell; `url` replaces the address of the examiner."""
    words = ["curl", "-sS", "-i", "-X", request.method, url + request.target.decode("latin-1")]
    if request.header("Content-Type"):
        words += ["-H", f"Content-Type: {request.header('Content-Type')}"]
    try:
        body = request.body.decode("ascii")
    except UnicodeDecodeError:
        encoded = base64.b64encode(request.body).decode()
        return f"printf %s {encoded} | base64 -d | {shlex.join([*words, '--data-binary', '@-'])}"
    return shlex.join([*words, "--data-binary", body] if body else words)


def format_preparation(verdict: Verdict) -> list[str]:
    """Return the commands that create the accounts of a verdict at an emulator that was just started.

    The signature of a request stays valid, because an emulator does not refuse an old timestamp.
    """
    create = ["curl", "-sS", f"{_EMULATOR}/_mock/accounts", "-H", "Content-Type: application/json", "-d"]
    return [
        "# sms10692-mock serve",
        *(shlex.join([*create, json.dumps(account, ensure_ascii=False)]) for account in verdict.accounts),
    ]


def format_repeat(settings: Settings, case: str) -> str:
    """Return the command that runs one case again."""
    return shlex.join(["sms10692-examine", "run", *settings.options, "--only", case, "--", *settings.command])


def build_json(result: RunResult, settings: Settings) -> dict[str, Any]:
    """Return the document of `--json`, which `sms10692-examine report` reads."""
    return {
        "version": 1,
        "client": result.client,
        "command": list(settings.command),
        "authentication": settings.authentication,
        "charset": settings.charset,
        "start_seconds": round(result.start_seconds, 3),
        "refused": {"en": str(result.refused), "zh": result.refused.in_chinese()} if result.refused else None,
        "cases": [
            {
                "id": verdict.case.id,
                "state": verdict.state.value,
                "observed": verdict.observed,
                "observed_zh": verdict.observed_zh,
                "known": verdict.expected_because,
                "seconds": round(verdict.seconds, 3),
            }
            for verdict in result.verdicts
        ],
    }


def build_junit(result: RunResult, settings: Settings, language: Language = "en") -> bytes:
    """Return the report in JUnit's XML: groups are classes; a warning passes and has its text in system-out.

    If the vendor refused every request for its credentials, the first test case is an error that says so.
    """
    counts = count_states(result.verdicts)
    failures = sum(verdict.is_new_failure for verdict in result.verdicts)
    skipped = counts[State.NOT_SUPPORTED] + counts[State.NOT_JUDGED] + counts[State.FAILED] - failures
    suite = Element(
        "testsuite",
        name=f"sms10692-examine {result.client}".strip(),
        tests=str(len(result.verdicts) + (result.refused is not None)),
        failures=str(failures),
        errors=str(int(result.refused is not None)),
        skipped=str(skipped),
        time=f"{sum(verdict.seconds for verdict in result.verdicts):.3f}",
    )
    if result.refused is not None:
        case = SubElement(
            suite, "testcase", classname="sms10692_examine", name=choose(WORDS["credentials"], language), time="0.000"
        )
        SubElement(case, "error", message=make_visible(result.refused.in_language(language)))
    for verdict in result.verdicts:
        case = SubElement(
            suite,
            "testcase",
            classname=f"sms10692_examine.{verdict.case.group}",
            name=f"{verdict.case.id}: {expected_of(verdict.case, language)}",
            time=f"{verdict.seconds:.3f}",
        )
        observed, text = observed_of(verdict, language), "\n".join(describe(verdict, settings, language))
        if verdict.is_new_failure:
            SubElement(case, "failure", message=observed).text = text
        elif verdict.state is State.WARNING:
            SubElement(case, "system-out").text = text
        elif verdict.state is not State.PASSED:
            SubElement(case, "skipped", message=make_visible(verdict.expected_because) or observed)
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    content: str = tostring(suites, "unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{content}\n'.encode()


def describe(verdict: Verdict, settings: Settings, language: Language) -> list[str]:
    """Return what a report says about a verdict that is not passed, in lines without control characters."""
    case = verdict.case
    rows = {
        "observed": observed_of(verdict, language),
        "expected": expected_of(case, language),
        "loss": loss_of(case, language),
        "fix": fix_of(verdict, language),
        "source": " ".join(filter(None, (case.source, f"({case.grade})" if case.grade else ""))),
        "known": verdict.expected_because,
        "repeat": format_repeat(settings, case.id),
    }
    lines = [f"{choose(WORDS[name], language)}: {text}" for name, text in rows.items() if text]
    if verdict.stderr.strip():
        last = verdict.stderr.strip().splitlines()[-_SHOWN_STDERR:]
        lines += [f"{choose(WORDS['stderr'], language)}:", *map(_shorten, last)]
    return list(map(make_visible, lines))


def _shorten(line: str) -> str:
    return line if len(line) <= _SHOWN_LINE else f"… {line[-_SHOWN_LINE:]}"


_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --good: #18794e; --bad: #c62a2f; --warn: #ad5700; --none: #687076; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
.zh { display: none; } :root[lang=zh] .zh { display: revert; } :root[lang=zh] .en { display: none; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
details { border-bottom: 1px solid var(--line); padding: .35rem 0; } summary { cursor: pointer; }
.state { display: inline-block; min-width: 6em; font-weight: 600; } code, pre { font-size: .85rem; }
pre { overflow-x: auto; background: #8881; padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.passed { color: var(--good); } .failed { color: var(--bad); } .warning { color: var(--warn); }
.not-supported, .not-judged { color: var(--none); } button { font: inherit; padding: .3rem .8rem; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left; }
a { color: inherit; white-space: nowrap; } .case { border-bottom: 1px solid var(--line); padding: .35rem 0 .35rem 1em; }
@media (prefers-color-scheme: dark) {
  :root { --good: #4cc38a; --bad: #ff8b8b; --warn: #ffb224; --none: #9ba1a6; }
}
"""
_SCRIPT: Final = """
const root = document.documentElement;
function show(language) {
  root.lang = language;
  document.title = document.querySelector(`h1 .${language}`).textContent;
}
show(navigator.language.startsWith("zh") ? "zh" : "en");
for (const button of document.querySelectorAll("button[data-language]"))
  button.addEventListener("click", () => show(button.dataset.language));
"""


def _page(title: Mapping[Language, str], content: str) -> str:
    heading = "".join(f'<span class="{name}">{escape(title[name])}</span>' for name in LANGUAGES)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title['en'])}</title><style>{_STYLE}</style></head><body>"
        '<p><button data-language="en">English</button> <button data-language="zh">中文</button></p>'
        f"<h1>{heading}</h1>{content}<script>{_SCRIPT}</script></body></html>\n"
    )


def _state_class(state: State) -> str:
    return state.value.replace(" ", "-")


def build_html(result: RunResult, settings: Settings) -> str:
    """Return one HTML page in both languages, without references to other files."""
    parts: list[str] = []
    for name in LANGUAGES:
        counts = format_counts(result.verdicts, name)
        parts.append(f'<p class="{name}">{escape(counts)} · {escape(shlex.join(settings.command))}</p>')
        if result.refused is not None:
            parts.append(f'<p class="failed {name}">{escape(make_visible(result.refused.in_language(name)))}</p>')
        shared = find_shared_causes(result.verdicts)
        parts += [f'<p class="{name}">{escape(cause.in_language(name))}</p>' for cause in shared]
        parts += [_format_links(result.verdicts, state, name) for state in (State.FAILED, State.WARNING)]
    group = ""
    for verdict in result.verdicts:
        if verdict.case.group != group:
            group = verdict.case.group
            heading = "".join(
                f'<span class="{name}">{escape(group_of(verdict.case, name))}</span>' for name in LANGUAGES
            )
            parts.append(f"<h2>{heading}</h2>")
        parts.append(_format_verdict(verdict, settings))
    titles: dict[Language, str] = {
        name: f"{choose(WORDS['title'], name)}{f': {result.client}' if result.client else ''}" for name in LANGUAGES
    }
    return _page(titles, "".join(parts))


def _format_links(verdicts: Sequence[Verdict], state: State, language: Language) -> str:
    """Return a paragraph with links to the verdicts of a state, or an empty text without such a verdict."""
    names = [verdict.case.id for verdict in verdicts if verdict.state is state]
    links = ", ".join(f'<a href="#{name}">{name}</a>' for name in names)
    word = escape(choose(STATE_WORDS[state], language))
    return f'<p class="{_state_class(state)} {language}">{word}: {links}</p>' if names else ""


def _format_verdict(verdict: Verdict, settings: Settings) -> str:
    state = _state_class(verdict.state)
    summary = "".join(
        f'<span class="{name}"><span class="state {state}">{escape(choose(STATE_WORDS[verdict.state], name))}</span>'
        f"<code>{escape(verdict.case.id)}</code> {escape(expected_of(verdict.case, name))}</span>"
        for name in LANGUAGES
    )
    if verdict.state is State.PASSED:
        return f'<div class="case">{summary}</div>'
    text = "".join(
        f'<div class="{name}"><pre>{escape(chr(10).join(describe(verdict, settings, name)))}</pre></div>'
        for name in LANGUAGES
    )
    shown = verdict.exchanges[-_SHOWN_EXCHANGES:]
    exchanges = "".join(_format_exchange(exchange) for exchange in shown)
    if shown:
        exchanges = f"<pre>{escape(chr(10).join(format_preparation(verdict)))}</pre>{exchanges}"
    is_open = " open" if verdict.is_new_failure else ""
    return f'<details id="{verdict.case.id}"{is_open}><summary>{summary}</summary>{text}{exchanges}</details>'


def _format_exchange(exchange: Exchange) -> str:
    altered = "".join(
        f'<p class="{name}">{escape(translate(exchange.alteration, name))}</p>'
        for name in LANGUAGES
        if exchange.alteration
    )
    curl = format_curl(exchange.request, _EMULATOR)
    return (
        f"<pre>{escape(curl)}</pre><pre>{escape(format_bytes(exchange.request.head + exchange.request.body))}</pre>"
        f"{altered}<pre>{escape(format_bytes(exchange.response))}</pre>"
    )


MARKS: Final[Mapping[str, str]] = {
    "passed": "✓",
    "failed": "✗",
    "warning": "!",
    "not supported": "–",
    "not judged": "?",
}


def build_matrix(documents: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return the names of the clients, and for each case its states, in the order of the table.

    Clients with one name are told apart by their page, and if this is the same, by the name of the file.
    """
    names = [str(document.get("client") or f"client {index}") for index, document in enumerate(documents, 1)]
    if len(set(names)) < len(names):
        pages = [f"{document.get('authentication')}, {document.get('charset')}" for document in documents]
        names = [f"{name} ({page})" for name, page in zip(names, pages, strict=True)]
    if len(set(names)) < len(names):
        files = [document.get("file") or index for index, document in enumerate(documents, 1)]
        names = [f"{name} {file}" for name, file in zip(names, files, strict=True)]
    states = [{case["id"]: case["state"] for case in document["cases"]} for document in documents]
    rows = [(name, [known.get(name, "") for known in states]) for name in load_cases()]
    return names, [(name, row) for name, row in rows if any(row)]


def build_matrix_html(documents: Sequence[Mapping[str, Any]]) -> str:
    """Return the matrix of cases and clients as an HTML page in both languages."""
    names, rows = build_matrix(documents)
    cases = load_cases()
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr><td><code>"
        + escape(name)
        + "</code> "
        + "".join(f'<span class="{lang}">{escape(expected_of(cases[name], lang))}</span>' for lang in LANGUAGES)
        + "</td>"
        + "".join(f'<td class="{state.replace(" ", "-")}">{MARKS.get(state, "")}</td>' for state in states)
        + "</tr>"
        for name, states in rows
    )
    words = WORDS["case"]
    first = "".join(f'<span class="{name}">{choose(words, name)}</span>' for name in LANGUAGES)
    legend: list[str] = []
    for name in LANGUAGES:
        texts = [f"{MARKS[state.value]} {choose(pair, name)}" for state, pair in STATE_WORDS.items()]
        legend.append(f'<p class="{name}">{escape(" · ".join(texts))}</p>')
    titles: dict[Language, str] = {name: choose(WORDS["title"], name) for name in LANGUAGES}
    for client, document in zip(names, documents, strict=True):
        if document.get("refused"):
            legend += [
                f'<p class="failed {name}">{escape(client)}: {escape(document["refused"][name])}</p>'
                for name in LANGUAGES
            ]
    return _page(titles, f"{''.join(legend)}<table><tr><th>{first}</th>{head}</tr>{body}</table>")


def load_document(text: str, file: str) -> Mapping[str, Any]:
    """Parse the document of `--json`, and add the name of its `file`. Raises ValueError with the name of the file."""
    try:
        document = json.loads(text)
        refused = document.get("refused")
        is_valid = (
            document["version"] == 1
            and all(isinstance(case["id"], str) and isinstance(case["state"], str) for case in document["cases"])
            and (not refused or all(isinstance(refused[name], str) for name in LANGUAGES))
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file}: not a document of sms10692-examine run --json") from error
    if not is_valid:
        raise ValueError(f"{file}: not a document of sms10692-examine run --json")
    return {**document, "file": PurePath(file).name}
