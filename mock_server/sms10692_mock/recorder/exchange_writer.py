"""Writes recorded exchanges, completely or not at all: a folder gets its name when all its files are on the disk."""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sms10692_mock.admin.services.state_document import format_toml
from sms10692_mock.recording.exchange_folder import (
    BODY_NOT_STORED,
    METADATA,
    PARTIAL,
    REQUEST,
    REQUEST_BODY_NOT_STORED,
    RESPONSE,
    Outcome,
)

PROVENANCE: Final = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedExchange:
    """An exchange. `response` is empty if none came. `seconds` is the time from the request's head to the end.

    `request_body_not_stored` and `body_not_stored` are why the body of the request or of the response is not stored.
    """

    name: str
    clause: str
    operation: str
    time: datetime
    seconds: float
    outcome: Outcome
    request: bytes
    response: bytes
    dropped_headers: tuple[str, ...] = ()
    request_body_not_stored: str = ""
    body_not_stored: str = ""


def write_exchange(folder: Path, exchange: RecordedExchange) -> Path:
    """Write an exchange below a folder, completely or not at all. Raises OSError."""
    final, partial = folder / exchange.name, folder / f"{PARTIAL}{exchange.name}"
    try:
        partial.mkdir(exist_ok=True)
        for name, content in (
            (REQUEST, exchange.request),
            (RESPONSE, exchange.response),
            (METADATA, _format_metadata(exchange).encode()),
        ):
            write_file(partial / name, content)
        partial.rename(final)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return final


def write_file(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk. Raises OSError."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file, completely or not at all. Raises OSError."""
    partial = path.with_name(f"{PARTIAL}{path.name}")
    try:
        write_file(partial, content)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _format_metadata(exchange: RecordedExchange) -> str:
    lines = [
        f"clause = {format_toml(exchange.clause)}",
        f"provenance = {format_toml(PROVENANCE)}",
        "",
        "[recorded]",
        f"operation = {format_toml(exchange.operation)}",
        f"time = {format_toml(exchange.time)}",
        f"seconds = {exchange.seconds:.6f}",
        f"outcome = {format_toml(exchange.outcome)}",
    ]
    if exchange.dropped_headers:
        lines.append(f"dropped_headers = {format_toml(exchange.dropped_headers)}")
    if exchange.request_body_not_stored:
        lines.append(f"{REQUEST_BODY_NOT_STORED} = {format_toml(exchange.request_body_not_stored)}")
    if exchange.body_not_stored:
        lines.append(f"{BODY_NOT_STORED} = {format_toml(exchange.body_not_stored)}")
    return "\n".join([*lines, ""])
