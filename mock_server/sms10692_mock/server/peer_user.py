"""The user whose program is at the other end of a connection within this machine, as the Linux kernel knows it."""

import socket
import struct
import sys
from ipaddress import IPv6Address, ip_address
from typing import Final

_NETLINK: Final = 16
_SOCK_DIAG: Final = 4
"""Family and protocol of the kernel's interface for questions about sockets, sock_diag(7)."""
_BY_FAMILY: Final = 20
"""Type of the question about one socket, and of its answer."""
_REQUEST: Final = 1
_LISTENING: Final = 10
"""State of a socket that belongs to no connection. The kernel answers with one if it does not know the connection."""
_HEADER: Final = struct.Struct("=IHHII")
_ANSWER: Final = struct.Struct("=xBxx48x12xI")
"""State and user id in the answer; the id of the socket and three numbers are left out."""


def find_peer_uid(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Return the user id of the client's socket; None on other systems, or if the client is on another machine."""
    if not sys.platform.startswith("linux"):
        return None
    family, client_address = _pack(client[0])
    _, server_address = _pack(server[0])
    ports, no_cookie = struct.pack("!HH", client[1], server[1]), b"\xff" * 8
    question = struct.pack("=BBxxI", family, socket.IPPROTO_TCP, 0xFFFFFFFF)
    question += ports + client_address + server_address + bytes(4) + no_cookie
    try:
        with socket.socket(_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
            kernel.sendto(_HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 0, 0) + question, (0, 0))
            answer = kernel.recv(4096)
    except OSError:  # a kernel without this interface
        return None
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY:
        return None
    state, uid = _ANSWER.unpack_from(answer, _HEADER.size)
    return None if state == _LISTENING else uid


def _pack(host: str) -> tuple[int, bytes]:
    """Return the address family and the 16 bytes of an address; those of IPv4 come first."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return socket.AF_INET if address.version == 4 else socket.AF_INET6, address.packed.ljust(16, b"\0")
