"""Entry point of the command `sms10692` and of `python -m sms10692`.

The command is installed with the base package. When the packages of the extra `[cli]` are missing, it prints how to
install them and exits with code 2.
"""

import sys
import traceback
from typing import NoReturn

from sms10692.cli.exit_codes import INTERNAL_ERROR, USAGE


def main() -> None:
    """Run the command line, or print which packages to install."""
    try:
        from sms10692.cli.main import main as run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("sms10692"):
            _fail()
        from sms10692.extras import missing_package

        sys.stderr.write(f"sms10692: {missing_package(error.name, 'cli')}\n")
        sys.exit(USAGE)
    except Exception:
        _fail()
    run()


def _fail() -> NoReturn:
    """Print the traceback and exit with 70. Python's own exit code 1 would mean "refused by the vendor"."""
    traceback.print_exc()
    sys.exit(INTERNAL_ERROR)


if __name__ == "__main__":
    main()
