"""`python -m sms10692_mock`, and what the command `sms10692-mock` starts.

Here belongs the one thing to say where the extra is missing: the base package installs this command too.
"""

import signal
import sys

from sms10692.extras import find_missing, missing_package


def main() -> None:
    """Run the command, or say what to install."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it serves, Ctrl-C ends it without a word
    try:
        from sms10692_mock.command import main as run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("sms10692"):
            raise
        missing = error.name
    else:
        # Imported at the first request that needs them, which is too late to say so.
        missing = find_missing("flask", "flask_openapi3", "werkzeug")
    if missing:
        sys.stderr.write(f"sms10692-mock: {missing_package(missing, 'mock')}\n")
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
