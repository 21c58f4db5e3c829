"""`python -m sms10692_mock`, and what the command `sms10692-mock` starts.

Here belong what holds before and whatever happens: the streams, a missing extra, and an error of the program itself.
The base package installs this command too.
"""

import signal
import sys
from collections.abc import Callable

from sms10692.extras import find_missing, missing_package
from sms10692_mock.streams import end_with_internal_error, prepare_streams, write_error


def main() -> None:
    """Run the command, or say what to install."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it serves, Ctrl-C ends it without a word
    prepare_streams()
    try:
        _command()()
    except Exception as error:
        end_with_internal_error(error)


def _command() -> Callable[[], None]:
    """The command. Ends the process where a package is missing."""
    try:
        from sms10692_mock.cli import main as run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("sms10692"):
            raise
        missing = error.name
    else:
        # Imported at the first request that needs them, which is too late to say so.
        missing = find_missing("flask", "flask_openapi3", "werkzeug")
        if not missing:
            return run
    write_error(f"sms10692-mock: {missing_package(missing, 'mock')}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
