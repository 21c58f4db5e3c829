"""`python -m sms10692`, and what the command `sms10692` starts.

The base package installs this command too; where its extra is missing, it says what to install.
"""

import sys
import traceback
from typing import Final, NoReturn

INTERNAL_ERROR: Final = 70
"""The exit code of a program that does not work, as in sysexits.h."""


def main() -> None:
    """Run the command, or say what to install."""
    try:
        from sms10692.cli import main as run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("sms10692"):
            _fail()
        from sms10692.extras import missing_package

        sys.stderr.write(f"sms10692: {missing_package(error.name, 'cli')}\n")
        sys.exit(2)
    except Exception:
        _fail()
    run()


def _fail() -> NoReturn:
    """Exit code 1 would say that the vendor refused."""
    traceback.print_exc()
    sys.exit(INTERNAL_ERROR)


if __name__ == "__main__":
    main()
