"""Entry point of `python -m sms10692_examine` and of the command `sms10692-examine`.

The base package installs the command even without the extra `examine`; then it prints what to install.
"""

import sys
import traceback


def main() -> None:
    """Run the command, or print what to install."""
    try:
        from sms10692_examine.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, ModuleNotFoundError) or (error.name or "").startswith("sms10692_examine"):
            traceback.print_exc()
            sys.exit(70)
        from sms10692.extras import missing_package

        sys.stderr.write(f"sms10692-examine: {missing_package(error.name, 'examine')}\n")
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
