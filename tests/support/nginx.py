"""A real nginx in front of an emulator, on a free port of 127.0.0.1, plain or with TLS."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import pytest
import trustme

from support.documents import BLOCKS
from support.http_client import TIMEOUT, Address, connect, free_port

REQUIRED_VARIABLE = "SMS10692_REQUIRE_NGINX"
"""If this environment variable is set, a machine without nginx fails its tests instead of skipping them."""

FORWARDED = """
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Port $server_port;
"""
"""The headers that most guides recommend."""

_SERVER = """
  server {{
    listen 127.0.0.1:{port}{tls};
    {certificate}
    location / {{
      proxy_pass http://{upstream[0]}:{upstream[1]};
      {directives}
    }}
  }}
"""

_WRAPPER = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {servers}
}}
"""

_POLL_SECONDS = 0.01


class Configuration(NamedTuple):
    """A block of docs/network.md. Its comment is its name and the URL of clients; `options` are of the `serve`."""

    name: str
    url: str
    text: str
    options: tuple[str, ...]


def _read_configurations() -> Iterator[Configuration]:
    options: tuple[str, ...] = ()
    for block in BLOCKS:
        if block.document == "docs/network.md" and block.text.startswith("sms10692-mock serve "):
            options = tuple(shlex.split(block.text)[2:])
        elif block.document == "docs/network.md" and block.language == "nginx":
            _, name, url = block.text.splitlines()[0].split()
            yield Configuration(name.removesuffix(":"), url, block.text, options)


CONFIGURATIONS = list(_read_configurations())


@contextmanager
def nginx_servers(
    text: str, upstream: Address, port: int, certificate: trustme.LeafCert | None = None
) -> Iterator[Address]:
    """Run nginx with a configuration as a document shows it. Yields its address.

    Only the port that it listens on, the address of the emulator, and the files of the certificate are replaced.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        if certificate is not None:
            certificate.private_key_and_cert_chain_pem.write_to_path(path / "certificate.pem")
        text, listens = re.subn(r"(?<=listen )\d+", f"127.0.0.1:{port}", text)
        text, upstreams = re.subn(r"(?<=http://)127\.0\.0\.1:10692", f"{upstream[0]}:{upstream[1]}", text)
        text, files = re.subn(r"/etc/nginx/[\w.]+(?=;)", f"{path}/certificate.pem", text)
        assert (listens, upstreams, files) == (1, 1, 2 * (certificate is not None)), text
        with _run(_WRAPPER.format(folder=path, servers=text), path, port):
            yield "127.0.0.1", port


@contextmanager
def nginx(
    upstream: Address,
    directives: str = "",
    *,
    port: int | None = None,
    certificate: trustme.LeafCert | None = None,
    uid: int | None = None,
) -> Iterator[Address]:
    """Run nginx as a reverse proxy for the emulator at `upstream`. Yields the address of nginx.

    `directives` are added to the location with `proxy_pass`; `uid` is the user of nginx, if not that of the test. Skips
    the test if nginx is not installed, or fails it if `REQUIRED_VARIABLE` is set.
    """
    port = port or free_port()
    with tempfile.TemporaryDirectory() as folder:
        path, lines = Path(folder), ""
        if certificate is not None:
            certificate.private_key_and_cert_chain_pem.write_to_path(path / "certificate.pem")
            lines = f"ssl_certificate {path}/certificate.pem; ssl_certificate_key {path}/certificate.pem;"
        server = _SERVER.format(
            port=port,
            tls=" ssl" if certificate else "",
            certificate=lines,
            upstream=upstream,
            directives=directives,
        )
        with _run(_WRAPPER.format(folder=path, servers=server), path, port, uid):
            yield "127.0.0.1", port


@contextmanager
def _run(configuration: str, folder: Path, port: int, uid: int | None = None) -> Iterator[None]:
    executable = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if executable is None:
        if os.environ.get(REQUIRED_VARIABLE):
            pytest.fail(f"nginx is not installed, and {REQUIRED_VARIABLE} is set")
        pytest.skip("nginx is not installed (.ci/install-nginx installs it)")
    (folder / "nginx.conf").write_text(configuration, "utf-8")
    command = [executable, "-e", "stderr", "-p", str(folder), "-c", f"{folder}/nginx.conf"]
    if uid is not None:
        folder.chmod(0o777)
        command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *command]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            _wait_until_listening(process, port)
            yield
        finally:
            process.kill()


def _wait_until_listening(process: subprocess.Popen[str], port: int) -> None:
    deadline = monotonic() + TIMEOUT
    while True:
        try:
            connect(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert process.poll() is None, process.communicate()[1]
            assert monotonic() < deadline, "nginx did not start listening in time"
            sleep(_POLL_SECONDS)
