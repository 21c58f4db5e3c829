"""`python -m sms10692_contract`, and what the command `sms10692-contract` starts.

Here belongs the one thing to say where the extra is missing: the base package installs this command too.
"""

import sys
import traceback


def main() -> None:
    """Run the command, or say what to install."""
    try:
        from sms10692_contract.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, ModuleNotFoundError) or (error.name or "").startswith("sms10692"):
            traceback.print_exc()
            sys.exit(70)
        from sms10692.extras import missing_package

        sys.stderr.write(f"sms10692-contract: {missing_package(error.name, 'contract')}\n")
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
