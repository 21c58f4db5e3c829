"""`python -m sms10692`, and what the command `sms10692` starts.

Here belongs the one thing to say where the extra is missing: the base package installs this command too.
"""

import sys


def main() -> None:
    """Run the command, or say what to install."""
    try:
        from sms10692.command import main as run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("sms10692"):
            raise
        from sms10692.extras import missing_package

        sys.stderr.write(f"sms10692: {missing_package(error.name, 'cli')}\n")
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
