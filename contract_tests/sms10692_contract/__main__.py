"""Entry point of `python -m sms10692_contract` and of the command `sms10692-contract`.

The base package installs the command even without the extra `contract`; then it prints what to install.
"""

import sys
import traceback


def main() -> None:
    """Run the command, or print what to install."""
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
