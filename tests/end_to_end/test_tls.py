"""HTTPS: the same bytes as on the plain port, faults, failed handshakes, and the local certificate authority."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

import pytest
import trustme

import sms10692
from sms10692_mock import Emulator, local_authority
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.certificates import InvalidCertificate, load_context
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.local_authority import LocalAuthority
from sms10692_mock.server.process import listening_socket
from sms10692_mock.server.receive_limits import ConnectionLimits
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.trust_command import RECIPES
from support.emulators import UTF8, admin_app, build_options, emulator_process, wait_exit
from support.http_client import (
    TIMEOUT,
    Address,
    build_request,
    call_control,
    connect,
    open_session,
    parse_address,
    read_all,
    send_raw,
)
from support.serve_cli import QUERY, SEND, get_start_error

NAME = "sms.example"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the local authority."""
    return tmp_path_factory.mktemp("tls") / "authority"


@pytest.fixture(scope="module")
def authority(folder: Path) -> LocalAuthority:
    return LocalAuthority(folder)


class TlsEmulator(NamedTuple):
    """An emulator in this process with a plain and a TLS port, the lines of its log, and a client's trust in its CA."""

    plain: Address
    address: Address
    lines: list[str]
    trust: ssl.SSLContext

    def connect(self, name: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """Open a TLS connection to a server of this name."""
        return (context or self.trust).wrap_socket(connect(self.address), server_hostname=name)

    def exchange(self, raw: bytes) -> bytes:
        """Send bytes over TLS and return everything received until the server ends its side."""
        with self.connect() as connection:
            connection.sendall(raw)
            return read_all(connection)

    def last_finding(self) -> dict[str, Any]:
        """Return the finding of the newest request."""
        number = call_control(self.plain, "GET", "/requests?limit=1&order=desc")["items"][0]["number"]
        entry = call_control(self.plain, "GET", f"/requests/{number}")
        finding: dict[str, Any] = entry["diagnosis"][0]
        return finding


@pytest.fixture(params=[ConnectionLimits()], ids=[""])
def emulator(request: pytest.FixtureRequest, authority: LocalAuthority) -> Iterator[TlsEmulator]:
    options, lines = build_options(), list[str]()
    vendor, notifier = build_vendor(options), ChangeNotifier()
    application = VendorApp(vendor, options, lambda entry: lines.append(str(entry)), notifier)
    context = authority.build_context([])
    trust = ssl.create_default_context(cafile=authority.certificate_file)
    with ThreadRunner(
        dispatcher_factory(application, admin_app(vendor, options, notifier)), request.param, context
    ) as runner:
        assert runner.https_url is not None
        address = parse_address(runner.https_url.replace("https:", "http:"))
        yield TlsEmulator(parse_address(runner.url), address, lines, trust)


SEND_REQUEST = build_request(UTF8, SEND).replace(b"Host: x", b"Host: x\r\nConnection: close")


def test_a_send_over_tls_has_the_bytes_of_a_send_without(emulator: TlsEmulator) -> None:
    with connect(emulator.plain) as connection:
        connection.sendall(SEND_REQUEST)
        plain = read_all(connection)
    encrypted = emulator.exchange(SEND_REQUEST)
    assert b"<returnstatus>Success</returnstatus>" in encrypted
    assert re.sub(rb"Date: [^\r]+|<taskID>\d+|<remainpoint>\d+", b"", encrypted) == re.sub(
        rb"Date: [^\r]+|<taskID>\d+|<remainpoint>\d+", b"", plain
    )


def test_requests_in_single_bytes_and_in_one_piece_share_a_connection(emulator: TlsEmulator) -> None:
    request = build_request(UTF8, b"action=overage")
    with emulator.connect() as connection:
        for byte in request:
            connection.send(bytes([byte]))
        connection.sendall(request * 50 + SEND_REQUEST)
        assert read_all(connection).count(b"HTTP/1.1 200 OK\r\n") == 52


def test_a_megabyte_is_received_and_sent(emulator: TlsEmulator) -> None:
    body = f"action=checkkeyword&{QUERY}&content=".encode() + b"y" * 1_000_000
    head = f"POST {UTF8} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert "没有包含屏蔽词".encode() in emulator.exchange(head + body)
    with open_session(emulator.address, emulator.trust) as session:
        (entry,) = session.get("/_mock/requests?limit=1").json()["items"]
        assert b64decode(session.get(f"/_mock/requests/{entry['number']}").json()["body"]) == body


def test_the_host_name_that_a_client_asks_for_is_in_the_certificate(emulator: TlsEmulator) -> None:
    for name in ("localhost", "127.0.0.1", NAME, "api.sms10692.com"):
        with emulator.connect(name) as connection:
            assert connection.getpeercert() is not None
            assert connection.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        emulator.connect("10.0.0.1")


def test_a_request_without_tls_is_told_to_use_https(emulator: TlsEmulator) -> None:
    response = send_raw(emulator.address, SEND_REQUEST)
    assert (response.status, response.body) == (400, b"a request without TLS came to the TLS port: use https://\n")
    (line,) = emulator.lines
    assert "sent no HTTP/1 request, but 'POST /v...': 400, a request without TLS came to the TLS port" in line
    finding = emulator.last_finding()
    assert (finding["code"], "https:// instead of http://" in finding["sentence"]) == ("http.tls-missing", True)


def test_tls_at_the_plain_port_is_told_the_tls_port(emulator: TlsEmulator) -> None:
    with connect(emulator.plain) as connection:
        with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
            emulator.trust.wrap_socket(connection, server_hostname="127.0.0.1")
    assert f"https:// is on port {emulator.address[1]}" in emulator.lines[0]
    finding = emulator.last_finding()
    assert (finding["code"], f"with port {emulator.address[1]}," in finding["sentence"]) == ("http.tls-port", True)


def test_a_client_that_does_not_trust_the_certificate_is_named_in_the_log(emulator: TlsEmulator) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        emulator.connect(context=ssl.create_default_context())
    finding = emulator.last_finding()
    assert finding["code"] == "http.tls-untrusted"
    assert "the client does not accept the certificate (TLSV1_ALERT_UNKNOWN_CA)" in emulator.lines[0]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"\x16nonsense\r\n\r\n", "(WRONG_VERSION_NUMBER)"), (b"\x16\x03\x01\x02\x00\x01", "(CLOSED_BY_CLIENT)")],
    ids=["garbage", "cut"],
)
def test_a_failed_handshake_has_a_finding(emulator: TlsEmulator, raw: bytes, reason: str) -> None:
    with connect(emulator.address) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    finding = emulator.last_finding()
    assert (finding["code"], reason in finding["sentence"]) == ("http.tls-handshake", True)


def test_a_connection_without_a_byte_is_not_logged(emulator: TlsEmulator) -> None:
    with connect(emulator.address) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""
    assert emulator.lines == []


@pytest.mark.parametrize("emulator", [ConnectionLimits(stalled=0.05)], indirect=True, ids=[""])
def test_a_handshake_that_is_not_finished_in_time_is_closed(emulator: TlsEmulator) -> None:
    with connect(emulator.address) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert read_all(connection) == b""


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "disconnect"}, rb""),
        (
            {"kind": "truncate", "at": 20},
            rb"HTTP/1\.1 200 OK\r\n.*Content-Length: \d{3}\r\n.*\r\n\r\n<\?xml version=\"1\.0\" ",
        ),
        ({"kind": "empty_body"}, rb"HTTP/1\.1 200 OK\r\n.*Content-Length: 0\r\n.*\r\n\r\n"),
        ({"kind": "slow_body", "seconds": 0.05}, rb"HTTP/1\.1 200 OK\r\n.*</returnsms>"),
        ({"kind": "status", "status": 502}, rb"HTTP/1\.1 502 .*"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else None,
)
def test_faults_work_over_tls(emulator: TlsEmulator, fault: dict[str, Any], expected: bytes) -> None:
    call_control(emulator.plain, "POST", "/accounts/12/faults", fault)
    assert re.fullmatch(expected, emulator.exchange(SEND_REQUEST), re.DOTALL)


def test_a_client_that_ends_its_side_still_gets_its_response(emulator: TlsEmulator) -> None:
    call_control(emulator.plain, "POST", "/accounts/12/faults", {"kind": "latency", "seconds": 0.05})
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = emulator.trust.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with connect(emulator.address) as connection:

        def receive() -> None:
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))

        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                receive()
        session.write(SEND_REQUEST)
        with pytest.raises(ssl.SSLWantReadError):
            session.unwrap()
        connection.sendall(outgoing.read())
        connection.shutdown(socket.SHUT_WR)
        incoming.write(read_all(connection))
    incoming.write_eof()
    assert b"<returnstatus>Success</returnstatus>" in session.read(65536)
    with pytest.raises(ssl.SSLZeroReturnError):  # without the message that ends the stream: SSLEOFError
        session.read(1)


def test_an_oversized_body_is_refused_with_a_response_that_can_be_read(emulator: TlsEmulator) -> None:
    head = f"POST {UTF8} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n".encode()
    assert emulator.exchange(head).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_bytes_that_are_no_tls_record_end_the_connection(emulator: TlsEmulator) -> None:
    with emulator.connect() as connection:
        descriptor = os.dup(connection.fileno())
        with socket.socket(fileno=descriptor) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n" * 20)
        assert read_all(connection) == b""
    assert b"Success" in emulator.exchange(SEND_REQUEST)


def test_the_client_and_its_command_line_take_the_ca(emulator: TlsEmulator, folder: Path, tmp_path: Path) -> None:
    url, ca = f"https://127.0.0.1:{emulator.address[1]}", folder / "ca.pem"
    with sms10692.Client(url, userid="12", account="test", password="mima", ca=ca) as client:
        assert client.overage().overage == 1000
    with sms10692.Client(url, userid="12", account="test", password="mima") as untrusting:
        with pytest.raises(sms10692.ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED"):
            untrusting.overage()
    empty = tmp_path / "empty.pem"
    empty.write_text("", "utf-8")
    for file, reason in ((empty, "it contains no certificates"), (tmp_path / "missing", "No such file")):
        with pytest.raises(ValueError, match=reason):
            sms10692.Client(url, userid="12", account="test", password="mima", ca=file)
    command = [sys.executable, "-m", "sms10692", "overage", "--url", url, "--userid", "12", "--account", "test"]
    completed = subprocess.run(
        [*command, "--ca", str(ca), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        env=os.environ | {"SMS10692_PASSWORD": "mima"},
    )
    assert (completed.returncode, '"overage": 1000' in completed.stdout) == (0, True), completed.stderr


def test_small_writes_are_not_delayed() -> None:
    with listening_socket("127.0.0.1", 0) as listener, connect(listener.getsockname()) as client:
        served, _ = listener.accept()
        with served:
            assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert client.getpeername() == listener.getsockname()


def test_an_emulator_in_this_process_serves_https_too(authority: LocalAuthority) -> None:
    with Emulator(tls=authority.build_context([])) as emulator:
        vendor = emulator.account(points=7)
        with sms10692.Client(emulator.https_url, **vendor.credentials, ca=authority.certificate_file) as client:
            assert client.overage().overage == 7
        with sms10692.Client(emulator.url, **vendor.credentials) as client:
            assert client.overage().overage == 7
    with pytest.raises(RuntimeError, match="not running"):
        _ = emulator.https_url
    with Emulator() as plain, pytest.raises(RuntimeError, match="tls=context"):
        _ = plain.https_url


# The local certificate authority


def test_the_private_key_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    authority = LocalAuthority(folder)
    key = folder / "ca-key.pem"
    assert sorted(file.name for file in folder.iterdir()) == ["ca-key.pem", "ca.pem"]
    assert b"PRIVATE" not in authority.certificate_file.read_bytes()
    if sys.platform != "win32":
        assert key.stat().st_mode & 0o777 == 0o600
        key.chmod(0o640)
        with pytest.raises(InvalidCertificate, match="can be read by other users"):
            LocalAuthority(folder)


def test_the_authority_is_kept(tmp_path: Path) -> None:
    first = LocalAuthority(tmp_path).certificate_file.read_bytes()
    (tmp_path / "ca.pem").unlink()
    assert LocalAuthority(tmp_path).certificate_file.read_bytes() == first
    (tmp_path / "ca-key.pem").write_bytes(first)
    with pytest.raises(InvalidCertificate, match="holds no key and certificate: delete it"):
        LocalAuthority(tmp_path)


def get_certificate(context: ssl.SSLContext, trust: ssl.SSLContext, name: str) -> Any:
    """Return the certificate of a server for a host name, after a handshake in memory. The client must accept it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(to_client, to_server, server_hostname=name)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client.getpeercert()


def test_names_that_clients_invent_do_not_displace_the_certificates_of_others(
    authority: LocalAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_authority, "_MAX_NAMES", 3)
    context = authority.build_context(["Allowed.example", "127.0.0.2"])
    trust = ssl.create_default_context(cafile=authority.certificate_file)

    def get_number(name: str) -> str:
        certificate = get_certificate(context, trust, name)
        assert certificate["subjectAltName"] == (("DNS", name.lower()),)
        return str(certificate["serialNumber"])

    allowed, local, used, unused = map(get_number, ("allowed.example", "localhost", "used.example", "unused.example"))
    for number in range(5):
        get_number(f"invented-{number}.example")
        assert get_number("used.example") == used
    assert get_number("ALLOWED.example") == allowed, "another case of the letters is the same name"
    assert get_number("localhost") == local
    assert get_number("unused.example") != unused, "the least recently used certificate was dropped"


def test_a_certificate_is_loaded_with_its_key_from_one_file_or_two(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    both, chain, key = tmp_path / "both.pem", tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(both)
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    assert load_context(both, None).minimum_version == ssl.TLSVersion.TLSv1_2
    assert load_context(chain, key).verify_mode == ssl.CERT_NONE
    with pytest.raises(InvalidCertificate, match=r"no certificate with its private key in .*chain\.pem"):
        load_context(chain, None)
    encrypted = tmp_path / "encrypted.pem"
    command = ["openssl", "ec", "-in", str(key), "-aes128", "-passout", "pass:secret", "-out", str(encrypted)]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        with pytest.raises(InvalidCertificate, match="the key has a password"):
            load_context(chain, encrypted)


# The command


def test_the_command_serves_https_prints_the_ca_and_stops_at_once(folder: Path, authority: LocalAuthority) -> None:
    arguments = ("--tls", "self-signed", "--tls-port", "0", "--tls-folder", str(folder), "--log-level", "error")
    with emulator_process(*arguments, "--allow-host", NAME, "--token", "t0ken") as (process, plain):
        assert process.stdout is not None
        https, ca = process.stdout.readline(), process.stdout.readline()
        assert https.startswith("listening on https://127.0.0.1:")
        assert ca.startswith(f"certificate authority {authority.certificate_file}; how clients trust it: ")
        address = parse_address(https.replace("https:", "http:"))
        context = ssl.create_default_context(cafile=authority.certificate_file)
        origin = f"https://127.0.0.1:{address[1]}"
        with open_session(address, context) as session:
            login = session.post("/login", data={"token": "t0ken"}, headers={"Origin": origin})
            assert (login.status_code, login.headers["Location"]) == (303, "/")
            assert "; Secure; HttpOnly; Path=/; SameSite=Strict" in login.headers["Set-Cookie"]
            language = session.get(
                "/account?lang=zh", headers={"Cookie": login.headers["Set-Cookie"].partition(";")[0]}
            )
            assert f"{origin}/v2sms.aspx" in language.text
            assert "http://" not in "".join(re.findall(r"\S+/v2sms.aspx", language.text))
            assert "; Secure;" in language.headers["Set-Cookie"]
            foreign = session.get("/_mock/accounts", headers={"Host": "rebound.example"})
            assert foreign.status_code == 403
            refused = session.post("/login", data={"token": "t0ken"}, headers={"Origin": "https://other.example"})
            assert refused.status_code == 403
        assert send_raw(plain, SEND_REQUEST).status == 200
        with context.wrap_socket(connect(address), server_hostname=NAME):
            process.terminate()
            wait_exit(process)


def test_the_command_serves_a_given_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    file, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(file)
    authority.cert_pem.write_to_path(ca)
    with emulator_process("--tls-cert", str(file), "--tls-port", "0") as (process, _):
        assert process.stdout is not None
        address = parse_address(process.stdout.readline().replace("https:", "http:"))
        context = ssl.create_default_context(cafile=ca)
        with context.wrap_socket(connect(address), server_hostname=NAME) as connection:
            connection.sendall(SEND_REQUEST)
            assert b"<returnstatus>Success</returnstatus>" in read_all(connection)


def has_certificate_of(authority: trustme.CA, address: Address) -> bool:
    """Whether the server shows a certificate of an authority to a new connection."""
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode("ascii"))
    try:
        with context.wrap_socket(connect(address), server_hostname=NAME):
            return True
    except ssl.SSLCertVerificationError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + TIMEOUT
    while not condition():
        assert monotonic() < deadline
        sleep(0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_the_certificate_is_read_again_on_sighup_and_kept_if_it_cannot_be(tmp_path: Path) -> None:
    old, new = trustme.CA(), trustme.CA()
    file, log = tmp_path / "server.pem", tmp_path / "log"
    old.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(file)
    options = ("--tls-cert", str(file), "--tls-port", "0", "--log-file", str(log))
    with emulator_process(*options) as (process, _):
        assert process.stdout is not None
        address = parse_address(process.stdout.readline().replace("https:", "http:"))
        assert has_certificate_of(old, address)
        new.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(file)
        assert has_certificate_of(old, address)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: has_certificate_of(new, address))
        file.write_text("no certificate", "ascii")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the TLS port keeps its certificate: " in log.read_text("utf-8"))
        assert has_certificate_of(new, address)


def test_a_key_that_others_can_read_ends_the_command(tmp_path: Path) -> None:
    LocalAuthority(tmp_path)
    (tmp_path / "ca-key.pem").chmod(0o644)
    assert "chmod 600" in get_start_error("serve", "--tls", "self-signed", "--tls-folder", str(tmp_path))


def test_trust_prints_the_path_of_the_ca_and_a_recipe_for_each_language(tmp_path: Path) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "sms10692_mock", "trust"],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
        env=os.environ | {"SMS10692_MOCK_TLS_FOLDER": str(tmp_path / "new")},
    )
    ca = str(tmp_path / "new" / "ca.pem")
    assert completed.stdout.startswith(f"{ca}\n\ncurl\n  curl --cacert {ca} ...\n")
    assert [line for line in completed.stdout.splitlines()[2:] if not line.startswith(" ")] == list(RECIPES)
    assert "PRIVATE" not in Path(ca).read_text("ascii")
