"""Exception that ends a command with a message and an exit code, and the translation of other exceptions to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sms10692.cli.exit_codes import NO_RESPONSE, REFUSED, USAGE
from sms10692.errors import SmsError, UnencodableText, VendorRefusal
from sms10692.terminal import escape_controls


class CliError(Exception):
    """Ends the command: the message for standard error, and the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def build_cli_error(error: SmsError) -> CliError:
    """Return the message and exit code for an exception of the client."""
    match error:
        case VendorRefusal():
            return CliError(f"refused: {escape_controls(str(error))} ({error.reason.value})", REFUSED)
        case UnencodableText():
            return CliError(str(error), USAGE)
        case _:
            return CliError(str(error), NO_RESPONSE)


@contextmanager
def translate_output_errors() -> Iterator[None]:
    """Turn an OSError into a CliError. An error without a file name is attributed to standard output."""
    try:
        yield
    except OSError as error:
        raise CliError(f"{error.filename or 'standard output'}: {error.strerror or error}", NO_RESPONSE) from None
