"""The command `sms10692-mock`: built from the registry of options; runs the emulator.

What is built from the options, and the banner, are in `startup`.
"""

import errno
import io
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any, Final

import click

from sms10692 import __version__
from sms10692_mock.admin.auth import AccessPolicy, is_exposed
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.log_lines import format_json
from sms10692_mock.app.request_metrics import RequestMetrics
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.backup_command import build_backup_command
from sms10692_mock.certificates import InvalidCertificate, reload_chain
from sms10692_mock.config import OptionSpec
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.explain_command import explain_command
from sms10692_mock.profile_command import profile_command
from sms10692_mock.ready_command import build_ready_command
from sms10692_mock.record_command import build_record_command
from sms10692_mock.serve_options import OPTIONS, ServeOptions
from sms10692_mock.server.access_log import LogWriter, format_text, take_over_stderr
from sms10692_mock.server.log_file import LogFile
from sms10692_mock.server.process import LazyWsgiApp, format_url, listening_sockets, serve
from sms10692_mock.server.server import Listener
from sms10692_mock.service_links import ServiceLinkCommand, log_ignored_links
from sms10692_mock.startup import (
    InvalidOption,
    StoredOtherwise,
    add_replay_state,
    banner,
    build_admin_app,
    complete_options,
    open_tls,
    open_vendor,
)
from sms10692_mock.streams import OutputFailed, write_error, write_output
from sms10692_mock.trust_command import trust_command

NAME: Final = "sms10692-mock"
_logger = logging.getLogger(__name__)
_PORT_PROBLEMS: Final = {
    errno.EADDRINUSE: 'the port is in use; {flag} 0 takes a free port (make run ARGS="{flag} 0")',
    errno.EACCES: "not permitted; docs/network.md says how to allow a port below 1024",
}


class _LineList(click.types.StringParamType):
    """A string option that can be repeated; its environment variable holds one value per line."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return [line for line in rv.replace("\r\n", "\n").split("\n") if line.strip()]


def _build_option(name: str, spec: OptionSpec) -> click.Option:
    """Build the click option of a row. Its value is the default, or what the row's parser returns."""

    def convert(context: click.Context, parameter: click.Parameter, given: Any) -> Any:
        if given is None or given == ():
            return spec.default
        try:
            return spec.convert(given)
        except UnicodeDecodeError as error:
            raise click.BadParameter(f"{given} is not UTF-8 (byte {error.start})") from None
        except OSError as error:
            raise click.BadParameter(f"cannot read {error.filename or given}: {error.strerror}") from None
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    is_switch = isinstance(spec.default, bool)
    default: Any = spec.given_default
    option_type: Any = bool if is_switch else spec.type
    if spec.is_repeatable:
        option_type = _LineList()
        default = None if default is None else [default]
    elif spec.choices is not None:
        option_type = click.Choice(list(spec.choices))
    elif spec.bounds is not None:
        option_type = click.IntRange(*spec.bounds)
    return click.Option(
        [spec.flag, name],
        type=option_type,
        is_flag=is_switch,
        multiple=spec.is_repeatable,
        default=default,
        callback=convert,
        metavar=spec.metavar,
        help=f"{spec.help}{' Repeatable.' * spec.is_repeatable}",
        envvar=spec.variable,
        show_envvar=True,
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def command() -> None:
    """An emulator of the sms10692.com SMS API, for development without a test account."""


serve_command: Final = ServiceLinkCommand(
    "serve",
    params=[_build_option(name, spec) for name, spec in OPTIONS.items()],
    callback=lambda **values: _serve(ServeOptions(**values)),
    context_settings={"show_default": True, "max_content_width": 100},
    help="Start the emulator and serve requests until Ctrl-C.",
)
command.add_command(serve_command)
command.add_command(explain_command)
command.add_command(profile_command)
command.add_command(build_backup_command(_build_option("store", OPTIONS["store"])))
command.add_command(build_ready_command(*(_build_option(name, OPTIONS[name]) for name in ("host", "port"))))
command.add_command(build_record_command(_build_option("host", OPTIONS["host"])))
command.add_command(trust_command)


def _serve(given: ServeOptions) -> None:
    try:
        given = add_replay_state(given)
        options = complete_options(given)
        tls = open_tls(options)
    except InvalidOption as error:
        raise click.BadParameter(str(error), param_hint=error.flag) from None
    listeners = [Listener(each) for each in _listen("--port", options.host, options.port)]
    if tls is not None:
        listeners += [Listener(each, tls.context) for each in _listen("--tls-port", options.host, options.tls_port)]
    log, log_file = _open_log(options)
    log_ignored_links()
    vendor = _open_vendor(options, given)
    urls = [format_url(listener.socket, "http" if listener.tls is None else "https") for listener in listeners]
    text = banner(urls, options, vendor.store, tls and tls.ca)
    exposed = any(
        is_exposed(listener.socket.getsockname()[0], options.public_url, options.trusted_proxy)
        for listener in listeners
    )
    token = options.token
    if token is None and (exposed or options.allow_host or options.read_only_token is not None):
        token = secrets.token_urlsafe(16)
        text = f"{text}\ntoken of the control API: {token}"
    access_policy = AccessPolicy(
        options.allow_host, token, options.public_url, options.trusted_proxy, options.read_only_token
    )
    notifier, metrics = ChangeNotifier(), RequestMetrics()
    vendor_app = VendorApp(
        vendor,
        options,
        log if options.log_level in ("debug", "info") else None,
        notifier,
        debug_log=log.debug if options.log_level == "debug" else None,
        is_exposed=exposed,
        language=options.lang,
        metrics=metrics,
        replay=options.replay,
    )

    admin_app = LazyWsgiApp(lambda: build_admin_app(vendor, options, notifier, metrics, access_policy))

    def when_stopped() -> None:
        log.flush()
        vendor.store.close()
        log.flush()

    def reopen_files() -> None:
        if log_file is not None:
            log_file.request_reopen()
            log.write("")  # wakes the writer, which opens the file also if there is nothing to write
        if tls is not None and options.tls_cert is not None:
            try:
                reload_chain(tls.context, options.tls_cert, options.tls_key)
            except InvalidCertificate as error:
                _logger.warning("the TLS port keeps its certificate: %s", error)

    try:
        serve(
            dispatcher_factory(vendor_app, admin_app, options.public_url.prefix if options.public_url else ""),
            listeners,
            when_ready=lambda: _print_banner(text, log),
            when_stopped=when_stopped,
            when_hung_up=None if log_file is None and options.tls_cert is None else reopen_files,
        )
    finally:
        log.flush()  # an internal error ends the process without another flush


def _open_log(options: ServeOptions) -> tuple[LogWriter, LogFile | None]:
    """Start the log. With `--log-file`, only problems with the file go to standard error."""
    line_format = format_text if options.log_format == "text" else format_json
    if options.log_file is None:
        return take_over_stderr(options.log_level, None, line_format), None

    def describe_loss(lines: int) -> str:
        return line_format(time.time(), "warning", "", f"{lines} lines dropped: the log file could not be written")

    try:
        file = LogFile(options.log_file, LogWriter(sys.stderr), describe_loss)
    except OSError as error:
        message = f"cannot open {options.log_file}: {error.strerror}"
        raise click.BadParameter(message, param_hint="--log-file") from None
    return take_over_stderr(options.log_level, file, line_format), file


def _listen(flag: str, hosts: Sequence[str], port: int) -> list[socket.socket]:
    try:
        return listening_sockets(hosts, port)
    except OSError as error:
        problem = str(_PORT_PROBLEMS.get(error.errno or 0, error.strerror)).format(flag=flag)
        raise click.ClickException(f"cannot listen on {error.filename} port {port}: {problem}") from None
    except UnicodeError:
        names = ", ".join(map(ascii, hosts))
        raise click.ClickException(f"cannot listen on {names}: not a host name") from None


def _open_vendor(options: ServeOptions, given: ServeOptions) -> Vendor:
    explicit_userids = {account.userid for account in given.accounts if account is not DEFAULT_ACCOUNT}
    if given.initial_state is not None:
        explicit_userids.update(account.userid for account in given.initial_state.state.accounts)
    try:
        return open_vendor(options, explicit_userids)
    except StoredOtherwise as error:
        raise click.UsageError(str(error)) from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--store") from None
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from None


def main() -> None:
    """Run the command. A usage error is one line on standard error and exit code 2."""
    # Capture click's output of --help and --version: click would choose another encoding and hide a broken pipe.
    captured = io.StringIO()
    try:
        try:
            with redirect_stdout(captured):
                command.main(prog_name=NAME, standalone_mode=False)
        finally:
            write_output(captured.getvalue())
    except click.exceptions.NoArgsIsHelpError as error:
        write_error(f"{error.format_message()}\n")
        sys.exit(2)
    except click.ClickException as error:
        write_error(f"{NAME}: {' '.join(error.format_message().split())}\n")
        sys.exit(2)
    except OutputFailed as error:
        write_error(f"{NAME}: {_output_error(error)}\n")
        sys.exit(2)
    except click.Abort:
        sys.exit(130)


def _output_error(error: OutputFailed) -> str:
    return f"cannot write to standard output: {error}"


def _print_banner(text: str, log: LogWriter) -> None:
    """Print the banner. If standard output fails, end the process at once: running threads would keep it alive."""
    try:
        write_output(f"{text}\n")
    except OutputFailed as error:
        log.flush()
        write_error(f"{NAME}: {_output_error(error)}\n")
        os._exit(2)
