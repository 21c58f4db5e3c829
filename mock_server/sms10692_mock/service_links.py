"""Filter for environment variables of Kubernetes Services and Docker links whose names collide with options.

A Service named `sms10692-mock` sets `SMS10692_MOCK_PORT=tcp://10.96.0.12:10692` in every container of its namespace.
"""

import logging
import os
import re
from typing import Final

import click

_LINK_NAME: Final = re.compile(r"[A-Z0-9_]+_PORT")
_LINK_VALUE: Final = re.compile(r"(?:tcp|udp|sctp)://\S+:[0-9]+")
_IGNORED_KEY: Final = f"{__name__}.ignored"

_logger = logging.getLogger(__name__)


def is_service_link(name: str, value: str) -> bool:
    """Return whether a variable is a Service's address. No other variable of a Service collides with an option.

    >>> is_service_link("SMS10692_MOCK_PORT", "tcp://10.96.0.12:10692"), is_service_link("SMS10692_MOCK_PORT", "10692")
    (True, False)
    >>> is_service_link("SMS10692_MOCK_STORE", "tcp://10.96.0.12:6379")
    False
    """
    return _LINK_NAME.fullmatch(name) is not None and _LINK_VALUE.fullmatch(value) is not None


class ServiceLinkCommand(click.Command):
    """A click command that ignores service-link variables when it reads options from the environment."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        links = {name: value for name, value in os.environ.items() if is_service_link(name, value)}
        variables = {option.envvar for option in self.params}
        ctx.meta[_IGNORED_KEY] = {name: value for name, value in links.items() if name in variables}
        for name in links:
            del os.environ[name]
        try:
            return super().parse_args(ctx, args)
        finally:
            os.environ.update(links)


def log_ignored_links() -> None:
    """Log a warning for each variable that the current command ignored."""
    ignored: dict[str, str] = click.get_current_context().meta.get(_IGNORED_KEY, {})
    for name, value in ignored.items():
        _logger.warning("%s=%s is ignored: Kubernetes or Docker set it for a service of that name", name, value)
