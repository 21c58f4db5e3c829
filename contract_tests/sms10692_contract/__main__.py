"""`python -m sms10692_contract`, and what the command `sms10692-contract` starts.

Here belongs the one thing to say where the extra is missing: the base package installs this command too.
"""

import sys


def main() -> None:
    """Run the command, or say what to install."""
    try:
        from sms10692_contract.command import main as run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("sms10692"):
            raise
        sys.exit(f"sms10692-contract: {error.name} is missing; install it with: pip install 'sms10692[contract]'")
    run()


if __name__ == "__main__":
    main()
