"""The command `sms10692-contract`: its subcommands, error messages and exit codes.

The subcommands are in `run_command`, `learn_command` and `compare_command`.
"""

import sys
import traceback

import click

from sms10692 import __version__
from sms10692_contract import terminal
from sms10692_contract.compare_command import compare
from sms10692_contract.control import ControlApiError
from sms10692_contract.http import TargetUnreachable
from sms10692_contract.interruptions import INTERRUPTIONS
from sms10692_contract.learn_command import learn
from sms10692_contract.options import describe_write_error
from sms10692_contract.run_command import run
from sms10692_contract.terminal import NAME

USAGE, UNREACHABLE, INTERNAL = 2, 3, 70


class _Group(click.Group):
    """A group whose help can be printed in every encoding."""

    def get_help(self, ctx: click.Context) -> str:
        return terminal.make_encodable(super().get_help(ctx))


@click.group(cls=_Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def command(context: click.Context) -> None:
    """Contract suite for servers of the sms10692.com SMS API.

    Exit code 0: all demanded clauses that were exercised held. 1: one failed. 2: wrong usage, or a report cannot be
    written. 3: the server is not reachable, ended the run, or responses were lost, or no clause was exercised. 70:
    internal error of this command. After a signal: 128 plus the number of the signal.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError(f"a command is missing: {', '.join(command.commands)}; see --help")


command.add_command(run)
command.add_command(learn)
command.add_command(compare)


def main() -> None:
    """Run the command. Errors are printed as one line on standard error."""
    terminal.accept_any_text()
    INTERRUPTIONS.install()
    sys.exit(_run_command())


def _run_command() -> int:
    """Run the click command and return the exit code."""
    try:
        code: int = command.main(prog_name=NAME, standalone_mode=False)
        terminal.flush()
    except TargetUnreachable as error:
        terminal.write_message(str(error))
        return UNREACHABLE
    except ControlApiError as error:
        terminal.write_message(f"{error}: check --control and --control-token")
        return USAGE
    except click.ClickException as error:
        terminal.write_message(" ".join(error.format_message().split()))
        return USAGE
    except click.Abort as error:
        return terminal.report_interruption(error.__cause__)
    except KeyboardInterrupt as error:
        return terminal.report_interruption(error)
    except OSError as error:
        terminal.write_message(describe_write_error("standard output", error))
        return USAGE
    except Exception:
        for line in traceback.format_exc().splitlines():
            terminal.write_error(line)
        terminal.write_message(f"this is a bug of {NAME}, not a failure of the server")
        return INTERNAL
    return code
