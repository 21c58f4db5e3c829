"""Entry point of `python -m sms10692_mock` and of the command `sms10692-mock`.

Prepares the streams, reports a missing extra, and handles internal errors. The base package installs the command too,
so its dependencies may be missing.
"""

import signal
import sys
from collections.abc import Callable

from sms10692.extras import find_missing, missing_package
from sms10692_mock.streams import end_with_internal_error, prepare_streams, write_error


def main() -> None:
    """Run the command, or print which package to install."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the server runs, Ctrl-C ends the process without a traceback
    prepare_streams()
    try:
        _import_command()()
    except Exception as error:
        end_with_internal_error(error)


def _import_command() -> Callable[[], None]:
    """Import and return the command. Ends the process if a dependency is missing."""
    try:
        from sms10692_mock.cli import main as run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("sms10692"):
            raise
        missing = error.name
    else:
        # These packages are imported at the first request, which is too late for an error message.
        missing = find_missing("flask", "flask_openapi3", "prometheus_client", "werkzeug")
        if not missing:
            return run
    write_error(f"sms10692-mock: {missing_package(missing, 'mock')}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
