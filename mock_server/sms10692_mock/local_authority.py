"""A local certificate authority (CA), made on first use, that issues the certificates of `--tls self-signed`.

The CA issues a certificate for every host name that a client asks for, so that a name in a hosts file needs no option.
**Who has the CA's private key can pretend to be any server to programs that trust the CA**: the key is readable for its
owner only, and is refused otherwise.
"""

import os
import re
import ssl
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sms10692_mock.certificates import InvalidCertificate, load_context

CA_NAME: Final = "sms10692-mock local CA"
"""Common name of the CA, by which it is found in the certificate store of a system."""

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
"""Names in every certificate without another name."""

_AUTHORITY_FILE: Final = "ca-key.pem"
_CERTIFICATE_FILE: Final = "ca.pem"
_AUTHORITY_DAYS: Final = 3650
_SERVER_DAYS: Final = 397
"""Days for which a certificate is valid. Apple's systems accept none that is valid for longer than 398 days."""
_CLOCK_TOLERANCE: Final = timedelta(days=1)
_MAX_NAMES: Final = 256
"""Host names for which certificates are kept, beside those of the options. The least recently used one is dropped."""
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}")


class LocalAuthority:
    """A certificate authority in a folder: `ca-key.pem`, its private key and certificate, and `ca.pem` for clients.

    Both are made on first use, also by several processes at once. Raises InvalidCertificate, and OSError of the files.
    """

    def __init__(self, folder: Path) -> None:
        self.certificate_file = folder / _CERTIFICATE_FILE
        file = folder / _AUTHORITY_FILE
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700, parents=True)
        if not file.exists():
            _publish(file, _create_authority())
        if sys.platform != "win32" and file.stat().st_mode & 0o077:
            raise InvalidCertificate(f"{file} can be read by other users: chmod 600 {file}, or delete its folder")
        try:
            pem = file.read_bytes()
            key = serialization.load_pem_private_key(pem, password=None)
            self._certificate = x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise InvalidCertificate(f"{file} holds no key and certificate: delete it to make a new one") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise InvalidCertificate(f"{file} has another kind of key: delete it to make a new one")
        if self._certificate.not_valid_after_utc < datetime.now(UTC) + timedelta(days=_SERVER_DAYS):
            raise InvalidCertificate(f"{file} expires soon: delete it, and let clients trust the new one")
        self._key = key
        self._server_key = ec.generate_private_key(ec.SECP256R1())
        public = self._certificate.public_bytes(serialization.Encoding.PEM)
        if not self.certificate_file.exists() or self.certificate_file.read_bytes() != public:
            _replace(self.certificate_file, public)

    def build_context(self, names: Iterable[str]) -> ssl.SSLContext:
        """Return the context of a server: a client that asks for a host name gets a certificate for it.

        Others, which use an address, get one for these `names` and `LOCAL_NAMES`. The certificates of these names are
        kept, however many other names clients ask for.
        """
        own = list(dict.fromkeys((*LOCAL_NAMES, *names)))
        context = self._load(own)
        permanent = {_encode_name(name).lower() for name in own}
        permanent_contexts, recent_contexts = dict[str, ssl.SSLContext](), OrderedDict[str, ssl.SSLContext]()

        def choose(session: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            if name is None or _HOST_NAME.fullmatch(name) is None:
                return
            name = name.lower()
            contexts = permanent_contexts if name in permanent else recent_contexts
            if name not in contexts:
                contexts[name] = self._load([name])
            session.context = contexts[name]
            if contexts is recent_contexts:
                recent_contexts.move_to_end(name)
                if len(recent_contexts) > _MAX_NAMES:
                    recent_contexts.popitem(last=False)

        context.sni_callback = choose
        return context

    def _load(self, names: Iterable[str]) -> ssl.SSLContext:
        certificate = self._issue(names).public_bytes(serialization.Encoding.PEM)
        # The ssl module reads certificates from files only.
        descriptor, name = tempfile.mkstemp(suffix=".pem")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_dump_key(self._server_key) + certificate)
            return load_context(Path(name), None)
        finally:
            Path(name).unlink()

    def _issue(self, names: Iterable[str]) -> x509.Certificate:
        """Issue a certificate for host names and addresses."""
        alternatives = [_build_name(name) for name in names]
        now = datetime.now(UTC)
        return (
            _start(self._server_key, "sms10692-mock", self._certificate.subject, now, _SERVER_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _build_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(_encode_name(name))


def _encode_name(name: str) -> str:
    return name if name.isascii() else name.encode("idna").decode()


def _create_authority() -> bytes:
    """Return the private key and the certificate of a new CA, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CA_NAME)])
    usage = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    certificate = (
        _start(key, CA_NAME, name, datetime.now(UTC), _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _dump_key(key) + certificate.public_bytes(serialization.Encoding.PEM)


def _start(
    key: ec.EllipticCurvePrivateKey, name: str, issuer: x509.Name, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_TOLERANCE)
        .not_valid_after(now + timedelta(days=days) - _CLOCK_TOLERANCE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _dump_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _publish(file: Path, content: bytes) -> None:
    """Create a file that only its owner can read, complete from the start. One that exists meanwhile stays."""
    temporary = _write_temporary(file, content)
    try:
        with suppress(FileExistsError):
            os.link(temporary, file)
    finally:
        temporary.unlink()


def _replace(file: Path, content: bytes) -> None:
    """Replace a file, in one step."""
    temporary = _write_temporary(file, content)
    temporary.chmod(0o644)
    temporary.replace(file)


def _write_temporary(file: Path, content: bytes) -> Path:
    """Write a new file beside another; only its owner can read it."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
    return Path(name)
