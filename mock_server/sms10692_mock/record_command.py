"""The command `sms10692-mock record`: a proxy before a vendor that stores masked exchanges in a folder."""

import asyncio
import signal
import socket
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sms10692.signing import CHINA
from sms10692_mock.service_links import ServiceLinkCommand
from sms10692_mock.streams import write_error, write_output

if TYPE_CHECKING:
    from sms10692_mock.recorder.proxy import RecordingProxy, Target
    from sms10692_mock.recorder.recorder import Recorder

_PORT: Final = 10694
NOT_WRITTEN: Final = 1
"""Exit code if exchanges could not be written."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def build_record_command(host: click.Option) -> click.Command:
    """Build the command. `host` is the option of `serve`."""

    def run(host: tuple[str, ...], port: int, to: str, out: Path, ca: str | None, words: tuple[str, ...]) -> None:
        from sms10692_mock.recorder.proxy import parse_target  # serve does not need it
        from sms10692_mock.server.process import listening_sockets

        try:
            target = parse_target(to, ca)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--to") from None
        except OSError as error:
            raise click.BadParameter(f"cannot read {ca}: {error.strerror or error}", param_hint="--ca") from None
        folder = _open_folder(out)
        try:
            listeners = listening_sockets(host, port)
        except (OSError, UnicodeError) as error:
            raise click.ClickException(f"cannot listen on port {port}: {error}") from None
        sys.exit(_record(target, listeners, folder, words))

    return ServiceLinkCommand(
        "record",
        params=[
            click.Option(["--to"], required=True, metavar="URL", help="The vendor: http://HOST:PORT, or https."),
            click.Option(
                ["--out"],
                required=True,
                type=click.Path(path_type=Path, file_okay=False),
                help="Folder for the exchanges; it must be new or empty.",
            ),
            host,
            click.Option(
                ["--port"], type=click.IntRange(0, 65535), default=_PORT, metavar="N", help="Port; 0 takes a free one."
            ),
            click.Option(["--ca"], metavar="FILE", help="Trust this CA certificate (PEM) of an https URL."),
            click.Option(
                ["--forbidden-word", "words"],
                multiple=True,
                metavar="WORD",
                help="A word that the vendor refuses without naming it; a placeholder stands for it. Repeatable.",
            ),
        ],
        callback=run,
        context_settings={"show_default": True, "max_content_width": 100},
        help="Forward requests to a vendor unchanged, and store them with its responses. Signatures, passwords, "
        "numbers and texts are masked before anything is written.",
    )


def _open_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise click.BadParameter(f"{folder} is not empty: masks of two recordings differ", param_hint="--out")
    except OSError as error:
        raise click.BadParameter(f"cannot write {folder}: {error.strerror}", param_hint="--out") from None
    return folder


def _record(target: "Target", listeners: list[socket.socket], folder: Path, words: tuple[str, ...]) -> int:
    """Record until a signal. Returns the exit code."""
    from sms10692_mock.recorder.proxy import RecordingProxy
    from sms10692_mock.recorder.recorder import Recorder
    from sms10692_mock.server.process import format_url

    recorder = Recorder(folder, datetime.now(CHINA), words, _report)
    try:
        recorder.start()
    except OSError as error:
        raise click.BadParameter(f"cannot write {folder}: {error.strerror}", param_hint="--out") from None
    proxy = RecordingProxy(target, recorder.record, _report)
    urls = [format_url(listener) for listener in listeners]
    try:
        asyncio.run(_serve(proxy, listeners, f"listening on {', '.join(urls)}, recording into {folder}\n"))
    finally:
        unwritten = recorder.close()
    return _conclude(recorder, folder, unwritten)


async def _serve(proxy: "RecordingProxy", listeners: list[socket.socket], banner: str) -> None:
    """Serve until a signal; then wait for the vendor's responses, and at a second signal for nothing."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        if stopped.is_set():
            proxy.abort()
        stopped.set()

    for number in _SIGNALS:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    await proxy.open(listeners)
    write_output(banner)
    await stopped.wait()
    if proxy.is_busy:
        _report("waiting for responses of the vendor; a second signal ends at once")
    await proxy.close()


def _report(problem: str) -> None:
    write_error(f"sms10692-mock: {problem}\n")


def _conclude(recorder: "Recorder", folder: Path, unwritten: int) -> int:
    write_output(f"{recorder.count} exchanges in {folder}\n")
    if unwritten:
        _report(f"{unwritten} exchanges could not be written")
    return NOT_WRITTEN if unwritten else 0
