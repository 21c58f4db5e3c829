"""Exact layout: every response of a run is compared with the bytes that real servers send for the same document.

The checks compare documents by their meaning. The differences in white space, declaration, charset name, escapes and
zeros are recorded here and attributed to the clauses of the layout, each once: one choice of a vendor is one finding.
"""

import re
from typing import Any, Final

from sms10692_contract.expectations import Mismatch
from sms10692_contract.expected import ACCEPTED_STATUSES, NUMBER_PATTERN, ParsedResponse, escape_text
from sms10692_contract.requests import CHARSET, CHARSET_LABEL
from sms10692_contract.xml_document import XmlElement

STATUS_200: Final = "A7"
CONTENT_TYPE: Final = "R17-type"
DECLARATION: Final = "A1-declaration"
CHILD_LINES: Final = "A1-lines"
PLAIN_VALUES: Final = "A2"
REPORT_LINES: Final = "A3"
SEND_ZEROS: Final = "A4"
GBK_LABEL: Final = "A8"
EMPTY_QUEUE: Final = "A10"
ESCAPES: Final = "R17-values"
OTHER_LINES: Final = "L-lines"
OVERAGE_ZEROS: Final = "L-zeros"
TASK_DIGITS: Final = "A6-taskID"
WHOLE_POINTS: Final = "R6-whole"

LAYOUT_CLAUSES: Final = (
    STATUS_200,
    CONTENT_TYPE,
    DECLARATION,
    CHILD_LINES,
    PLAIN_VALUES,
    REPORT_LINES,
    SEND_ZEROS,
    GBK_LABEL,
    EMPTY_QUEUE,
    ESCAPES,
    OTHER_LINES,
    OVERAGE_ZEROS,
    TASK_DIGITS,
    WHOLE_POINTS,
)
"""All clauses that are judged from the record of a run."""

_GBK: Final = "gb2312"
_SEND: Final = ("returnstatus", "message", "remainpoint", "taskID", "successCounts")
_OVERAGE: Final = ("returnstatus", "message", "payinfo", "overage", "sendTotal")
_POINTS: Final = ("remainpoint", "overage", "sendTotal")
_FREE_TEXTS: Final = ("content", "checkCounts")
"""Elements whose text may begin or end with white space."""

_TASK: Final = re.compile(r"\d{5,9}", re.ASCII)
_WHOLE: Final = re.compile(r"-?\d+", re.ASCII)

_LEAF: Final = re.compile(r"<(\w+)([^<>]*?)(?:/>|>((?:[^<]|<!\[CDATA\[.*?\]\]>|<!--.*?-->)*)</\1\s*>)", re.DOTALL)
"""An element without child elements: its name, its attributes and its content."""


class LayoutRecorder:
    """The first difference of each clause of the layout, and the clauses that some response could have violated.

    `ignored_userids` are accounts whose responses have another layout. May be used from several threads.
    """

    def __init__(self) -> None:
        self.ignored_userids: set[str] = set()
        self.seen: set[str] = set()
        self._recorded: set[int] = set()
        self._differences: dict[str, Mismatch] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave out which responses were compared: only the results matter to another process."""
        return vars(self) | {"_recorded": set()}

    def get_difference(self, clause: str) -> Mismatch | None:
        """Return the first difference of a clause; None if all responses agreed."""
        return self._differences.get(clause)

    def merge(self, other: "LayoutRecorder") -> None:
        """Add what another recorder has recorded; its differences come after the own ones."""
        self.seen |= other.seen
        self._differences = other._differences | self._differences

    def record(self, response: ParsedResponse) -> None:
        """Compare a response with its exact bytes. A response that is not one of the manual's documents is ignored.

        The same response from the same endpoint is compared once: more than half of a run's responses repeat others.
        """
        if not self.ignored_userids.isdisjoint(_get_userids(response)):
            return
        key = hash((response.request.endpoint, response.raw))
        if key in self._recorded:
            return
        self._recorded.add(key)
        root = response.document
        if root is None or root.name != "returnsms":
            return
        lines = _classify(root)
        if not lines:
            return
        self.seen |= {STATUS_200, CONTENT_TYPE, DECLARATION, lines}
        self.seen |= {PLAIN_VALUES, ESCAPES} if root.children else set()
        self.seen |= {GBK_LABEL} if CHARSET_LABEL[response.request.endpoint] == _GBK else set()
        self._record_head(response)
        self._record_zeros(response, root)
        self._record_numbers(response, root)
        exact = _render(root, response.request.endpoint)
        if response.raw.body != exact:
            shown = exact.decode(CHARSET[response.request.endpoint])
            for clause in _attribute(response, root, shown, lines):
                self._add(clause, response, shown, response.text)

    def _record_head(self, response: ParsedResponse) -> None:
        if response.raw.status != 200:
            self._add(STATUS_200, response, "HTTP 200", f"HTTP {response.raw.status}")
        expected = f"text/xml; charset={CHARSET_LABEL[response.request.endpoint]}"
        actual = response.raw.content_type
        if actual.lower() != expected:
            self._add(CONTENT_TYPE, response, expected, actual)

    def _record_zeros(self, response: ParsedResponse, root: XmlElement) -> None:
        names, texts = (tuple(getattr(child, field).strip() for child in root.children) for field in ("name", "text"))
        if names not in (_SEND, _OVERAGE) or texts[0] != "Faild":
            return
        clause, expected = (SEND_ZEROS, ("0", "0", "0")) if names == _SEND else (OVERAGE_ZEROS, ("", "0", "0"))
        self.seen.add(clause)
        if texts[2:] != expected:
            shown = [
                ", ".join(f"{name} {text!r}" for name, text in zip(names[2:], row, strict=True))
                for row in (expected, texts[2:])
            ]
            self._add(clause, response, *shown)

    def _record_numbers(self, response: ParsedResponse, root: XmlElement) -> None:
        """Judge how task numbers and points are written in a response to an accepted request."""
        texts = {child.name: child.text.strip() for child in root.children}
        if tuple(texts) not in (_SEND, _OVERAGE) or texts["returnstatus"] not in ACCEPTED_STATUSES:
            return
        task = texts.get("taskID")
        if task is not None:
            self.seen.add(TASK_DIGITS)
            if not _TASK.fullmatch(task):
                cause = f"{len(task)} digits in taskID" if task.isdecimal() else "no whole number in taskID"
                self._add(TASK_DIGITS, response, "a taskID of 5 to 9 digits", repr(task), cause)
        self.seen.add(WHOLE_POINTS)
        for name in _POINTS:
            if name in texts and not _WHOLE.fullmatch(texts[name]):
                decimals = len(texts[name].rpartition(".")[2])
                kind = f"{decimals} decimals" if NUMBER_PATTERN.fullmatch(texts[name]) else "no number"
                self._add(WHOLE_POINTS, response, f"a whole number in {name}", repr(texts[name]), f"{kind} in {name}")

    def _add(self, clause: str, response: ParsedResponse, expected: str, actual: str, cause: str = "") -> None:
        self._differences.setdefault(clause, Mismatch(response.request, expected, actual, cause or clause))


def _get_userids(response: ParsedResponse) -> set[str]:
    return {value for name, value in response.request.pairs if name.lower() == "userid"}


def _classify(root: XmlElement) -> str:
    """Return the clause for the lines of a document; empty for a document that the manual does not have."""
    names = tuple(child.name for child in root.children)
    if not names:
        return EMPTY_QUEUE if not root.text.strip() else ""
    if names in (_SEND, _OVERAGE):
        return CHILD_LINES
    if set(names) == {"statusbox"}:
        return REPORT_LINES
    return OTHER_LINES if names == ("message",) or set(names) in ({"callbox"}, {"errorstatus"}) else ""


def _render(root: XmlElement, endpoint: str) -> bytes:
    """Render a document with the exact layout: one space before each line, the closing tag behind the last child."""
    parts = [f'<?xml version="1.0" encoding="{CHARSET_LABEL[endpoint]}" ?><returnsms>']
    for child in root.children:
        if child.children:
            parts.append(f"\n <{child.name}>")
            parts += [f"\n {_render_leaf(leaf)}" for leaf in child.children]
            parts.append(f"\n </{child.name}>")
        else:
            parts.append(f"\n {_render_leaf(child)}")
    parts.append("\n </returnsms>" if root.children and root.children[-1].children else "</returnsms>")
    return "".join(parts).encode(CHARSET[endpoint], "xmlcharrefreplace")


def _render_leaf(leaf: XmlElement) -> str:
    text = leaf.text if leaf.name in _FREE_TEXTS else leaf.text.strip()
    return f"<{leaf.name}>{escape_text(text)}</{leaf.name}>"


def attribute_difference(response: ParsedResponse, root: XmlElement, exact: str) -> list[str]:
    """Return the clauses of the layout in which a response differs from another text with the same meaning."""
    return _attribute(response, root, exact, _classify(root) or OTHER_LINES)


def _attribute(response: ParsedResponse, root: XmlElement, exact: str, lines: str) -> list[str]:
    """Return the clauses that the layout of a response violates."""
    endpoint, clauses = response.request.endpoint, []
    is_gbk = CHARSET_LABEL[endpoint] == _GBK
    head, body = _split(response.text)
    exact_head, exact_body = _split(exact)
    if response.xml_error or (is_gbk and response.charset != _GBK):
        clauses.append(GBK_LABEL if is_gbk else DECLARATION)
        head = head.replace(response.charset, CHARSET_LABEL[endpoint], 1)
    if head != exact_head or response.raw.body.startswith(b"\xef\xbb\xbf"):
        clauses.append(DECLARATION)
    if not root.children:
        return [*clauses, lines] if body != exact_body else clauses
    if _LEAF.sub(r"<\1>", body) != _LEAF.sub(r"<\1>", exact_body):
        clauses.append(lines)
    leaves, exact_leaves = (_find_leaves(text) for text in (body, exact_body))
    if [leaf for leaf, _ in leaves] != [leaf for leaf, _ in exact_leaves]:
        trimmed, exact_trimmed = ([text for _, text in found] for found in (leaves, exact_leaves))
        clauses.append(PLAIN_VALUES if trimmed == exact_trimmed else ESCAPES)
    return list(dict.fromkeys(clauses)) or [lines]


def _split(text: str) -> tuple[str, str]:
    """Split a document before its root element."""
    at = text.find("<returnsms")
    return text[:at], text[at:]


def _find_leaves(text: str) -> list[tuple[str, str]]:
    """Return each element without children as it is written, and without white space around its content."""
    return [
        (leaf[0], f"<{leaf[1]}{leaf[2]}>{(leaf[3] or '').strip()}</{leaf[1]}>" if leaf[3] is not None else leaf[0])
        for leaf in _LEAF.finditer(text)
    ]
