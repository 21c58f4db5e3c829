"""Checks of `sms10692-mock ready`: requests to the readiness endpoint, until it answers that the emulator is ready.

A module of its own, because `serve` does not need its imports, which take 10 ms.
"""

import http.client
import json
import ssl
import sys
from typing import Final
from urllib.parse import urlsplit

import click

from sms10692_mock.app.health_probes import READY
from sms10692_mock.elapsed_time import monotonic, sleep
from sms10692_mock.streams import write_error, write_output

NOT_READY: Final = 1
"""Exit code if the emulator was not ready in time."""

_INTERVAL: Final = 0.1
"""Seconds between two attempts."""

_TIMEOUT: Final = 2.0
"""Seconds that one attempt waits for a response: more than the emulator waits for its store."""

_MAX_BODY: Final = 1000


def wait_until_ready(url: str, seconds: float, ca: str | None) -> None:
    """Try for so many seconds, at least once. Ends the process with `NOT_READY` if the emulator is not ready then.

    `ca` is the file of a CA certificate to trust. Raises click.BadParameter.
    """
    try:
        trust = None if ca is None else ssl.create_default_context(cafile=ca)
    except OSError as error:  # also of a file that is no certificate
        reason = error.strerror or str(error)
        raise click.BadParameter(f"cannot read {ca}: {reason}", param_hint="--ca") from None
    target = _parse_url(url, trust)
    ends, reported = monotonic() + seconds, ""
    while (problem := _check(target)) is not None:
        remaining = ends - monotonic()
        if remaining <= 0:
            waited = f" after {seconds:g} s" if seconds else ""
            write_error(f"sms10692-mock: not ready{waited}: {url}: {problem}\n")
            sys.exit(NOT_READY)
        if problem != reported:
            write_error(f"waiting for {url}: {problem}\n")
            reported = problem
        sleep(min(_INTERVAL, remaining))
    write_output(f"{url} is ready\n")


class _Target:
    """Where the endpoint is: how to connect, and its path."""

    def __init__(self, url: str, trust: ssl.SSLContext | None) -> None:
        self._trust = trust
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError
        self.path = parts.path.rstrip("/") + READY
        self._is_https = parts.scheme == "https"
        self._address = parts.hostname, parts.port

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that is not open yet. The proxies of the environment are not used."""
        if self._is_https:
            return http.client.HTTPSConnection(*self._address, timeout=_TIMEOUT, context=self._trust)
        return http.client.HTTPConnection(*self._address, timeout=_TIMEOUT)


def _parse_url(url: str, trust: ssl.SSLContext | None) -> _Target:
    try:
        return _Target(url, trust)
    except ValueError:
        raise click.BadParameter(f"{url!a} is not a URL: http://127.0.0.1:10692", param_hint="--url") from None


def _check(target: _Target) -> str | None:
    """Return why the emulator is not ready, or None."""
    connection = target.connect()
    try:
        connection.request("GET", target.path)
        response = connection.getresponse()
        body = response.read(_MAX_BODY)
    except TimeoutError:
        return f"no response within {_TIMEOUT:g} s"
    except OSError as error:
        return error.strerror or str(error)
    except http.client.HTTPException as error:
        return f"no HTTP response ({type(error).__name__})"
    finally:
        connection.close()
    try:
        is_ready = json.loads(body)["ready"]
    except (ValueError, TypeError, KeyError):
        return f"HTTP {response.status} from something that is no emulator"
    return None if is_ready is True else "its store is unavailable"
