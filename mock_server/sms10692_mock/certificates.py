"""Certificates of a TLS port, read from files."""

import ssl
from pathlib import Path


class InvalidCertificate(ValueError):
    """A certificate or a key cannot be used. The message names the file."""


def load_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return the context of a server with this certificate chain. Without `key` the same file holds the private key.

    Raises InvalidCertificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_chain(context, certificate, key)
    return context


def reload_chain(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Read the files of `load_context` again: new connections get the new certificate, those that exist keep theirs.

    Raises InvalidCertificate; then the context is as before.
    """
    load_context(certificate, key)  # a chain of which only a part can be used would stay in the context
    _load_chain(context, certificate, key)


def _load_chain(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    for file in filter(None, (certificate, key)):
        try:
            file.open("rb").close()
        except OSError as error:
            raise InvalidCertificate(f"cannot read {file}: {error.strerror}") from None
    try:
        # The function is called only for a key with a password, which OpenSSL would otherwise ask for on the terminal.
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except (ssl.SSLError, _PasswordRequired) as error:
        files = certificate if key is None else f"{certificate} and {key}"
        reason = error.reason if isinstance(error, ssl.SSLError) else "the key has a password"
        raise InvalidCertificate(f"no certificate with its private key in {files}: {reason}") from None


class _PasswordRequired(Exception):
    """A private key is encrypted."""


def _refuse_password() -> str:
    raise _PasswordRequired
