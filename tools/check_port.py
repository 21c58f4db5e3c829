"""Check that the emulator could listen, before it is installed: the arguments are those of `sms10692-mock serve`.

`make run` runs it with a Python that has no other package yet. It says only that a port is in use; every other mistake
in the arguments is left to the emulator.
"""

import argparse
import errno
import os
import socket
import sys
from typing import Final

_MAX_PORT: Final = 65535


def find_taken_address(arguments: list[str]) -> str:
    """Return the address that another program listens on, such as `127.0.0.1 port 10692`, or an empty text."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", default=os.environ.get("SMS10692_MOCK_PORT", "10692"))
    parser.add_argument("--host", action="append", default=[])
    options, _ = parser.parse_known_args(arguments)
    if not options.port.isascii() or not options.port.isdecimal() or int(options.port) > _MAX_PORT:
        return ""  # Kubernetes sets tcp://…, which the emulator ignores
    for host in options.host or os.environ.get("SMS10692_MOCK_HOST", "127.0.0.1").split():
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, int(options.port)), family=family).close()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"{host} port {options.port}"
    return ""


if __name__ == "__main__":
    if _taken := find_taken_address(sys.argv[1:]):
        sys.exit(f'Cannot listen on {_taken}: the port is in use; make run ARGS="--port 0" takes a free port')
