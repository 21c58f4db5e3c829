"""Environment variables that Kubernetes sets for a Service, and Docker for a link, under the name of an option.

For a Service `sms10692-mock` there is `SMS10692_MOCK_PORT=tcp://10.96.0.12:10692` in every container of the namespace.
"""

import logging
import os
import re
from typing import Final

import click

_NAME: Final = re.compile(r"[A-Z0-9_]+_PORT")
_VALUE: Final = re.compile(r"(?:tcp|udp|sctp)://\S+:[0-9]+")
_IGNORED: Final = f"{__name__}.ignored"

_logger = logging.getLogger(__name__)


def is_service_link(name: str, value: str) -> bool:
    """Whether a variable is the address of a Service; no other variable of one has the name of an option.

    >>> is_service_link("SMS10692_MOCK_PORT", "tcp://10.96.0.12:10692"), is_service_link("SMS10692_MOCK_PORT", "10692")
    (True, False)
    >>> is_service_link("SMS10692_MOCK_STORE", "tcp://10.96.0.12:6379")
    False
    """
    return _NAME.fullmatch(name) is not None and _VALUE.fullmatch(value) is not None


class ServiceLinkCommand(click.Command):
    """A command whose options are not read from variables that Kubernetes or Docker set for a Service."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        links = {name: value for name, value in os.environ.items() if is_service_link(name, value)}
        names = {name for option in self.params for name in _variables(option, ctx)}
        ctx.meta[_IGNORED] = {name: value for name, value in links.items() if name in names}
        for name in links:
            del os.environ[name]
        try:
            return super().parse_args(ctx, args)
        finally:
            os.environ.update(links)


def _variables(option: click.Parameter, ctx: click.Context) -> list[str]:
    """The environment variables of an option."""
    if option.envvar is not None:
        return [option.envvar] if isinstance(option.envvar, str) else list(option.envvar)
    return [f"{ctx.auto_envvar_prefix}_{option.name}".upper()] if ctx.auto_envvar_prefix else []


def log_ignored_links() -> None:
    """Log a line for each variable that the current command ignored."""
    ignored: dict[str, str] = click.get_current_context().meta.get(_IGNORED, {})
    for name, value in ignored.items():
        _logger.warning("%s=%s is ignored: it is the address of a Service of that name, and no option", name, value)
