"""`python -m sms10692_mock`, and what the command `sms10692-mock` starts.

Here belongs the one thing to say where the extra is missing: the base package installs this command too.
"""

import signal
import sys


def main() -> None:
    """Run the command, or say what to install."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it serves, Ctrl-C ends it without a word
    try:
        from sms10692_mock.command import main as run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("sms10692"):
            raise
        sys.exit(f"sms10692-mock: {error.name} is missing; install it with: pip install 'sms10692[mock]'")
    run()


if __name__ == "__main__":
    main()
