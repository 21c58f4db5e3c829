"""The command `sms10692-mock ready`: wait until an emulator can serve requests, its store included."""

from typing import Final

import click

from sms10692_mock.domain.bounds import MAX_SECONDS
from sms10692_mock.service_links import ServiceLinkCommand

_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not listened on
"""Addresses to listen on that no client can connect to, and the loopback address of the same family."""


def build_ready_command(host: click.Option, port: click.Option) -> click.Command:
    """Build the command. `host` and `port` are the options of `serve`, with their environment variables.

    Of several hosts the first is asked.
    """

    def run(host: tuple[str, ...], port: int, url: str | None, wait: float, ca: str | None) -> None:
        from sms10692_mock.readiness_client import wait_until_ready  # serve does not need it

        wait_until_ready(url or _local_url(host[0], port), wait, ca)

    return ServiceLinkCommand(
        "ready",
        params=[
            click.Option(["--url"], help="URL of the emulator, in place of --host and --port.", metavar="URL"),
            host,
            port,
            click.Option(
                ["--wait"],
                type=click.FloatRange(0, MAX_SECONDS),
                default=0,
                metavar="SECONDS",
                help="Try until the emulator is ready, for so long.",
            ),
            click.Option(["--ca"], metavar="FILE", help="Trust this CA certificate (PEM) of an https URL."),
        ],
        callback=run,
        context_settings={"show_default": True, "max_content_width": 100},
        help="Check that an emulator is running and its store works. No token is needed. The exit code is 1 if not.",
    )


def _local_url(host: str, port: int) -> str:
    if port == 0:
        raise click.UsageError("the port 0 of serve is a free port: give --url, which serve has printed")
    host = _WILDCARDS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
