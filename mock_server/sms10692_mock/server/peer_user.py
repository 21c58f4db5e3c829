"""The user whose program is at the other end of a connection within this machine, as the Linux kernel knows it."""

import errno
import socket
import struct
import sys
from functools import cache
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
_CONNECTED: Final = frozenset({1, 4, 5, 8})
"""States of a connection that a program may still use: ESTABLISHED, FIN_WAIT1, FIN_WAIT2 and CLOSE_WAIT."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors that say nothing about the kernel's interfaces. Another user's program may cause them."""
_HEADER: Final = struct.Struct("=IHHII")
_ANSWER: Final = struct.Struct("=xBxx48x12xII")
"""State, user id and inode in the answer; the id of the socket and three numbers are left out."""


def find_peer_uid(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Return the user id of the client's socket; None if no program of this machine has the socket.

    **A closed socket has no user any more, and the kernel then says 0, which is root**: such an answer is None. So is
    every answer on systems without the interface, see `can_find_peers`.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        found = _ask(client, server)
    except OSError:
        return None
    if found is None:
        return None
    state, uid, inode = found
    return uid if state in _CONNECTED and inode else None


@cache
def can_find_peers() -> bool:
    """Whether the kernel tells the users of sockets: it is asked for a socket that exists.

    An answer for an unknown connection does not tell this: the error number is the same as without the interface.
    Raises OSError if there are no file descriptors or no memory to find out.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            found = _ask(listener.getsockname(), ("127.0.0.1", 9))
    except OSError as error:
        if error.errno in _EXHAUSTED:
            raise
        return False
    return found is not None and found[0] == _LISTENING


def _ask(client: tuple[str, int], server: tuple[str, int]) -> tuple[int, int, int] | None:
    """Return state, user id and inode of the client's socket; None if the kernel knows none. Raises OSError."""
    family, client_address = _pack(client[0])
    _, server_address = _pack(server[0])
    ports, no_cookie = struct.pack("!HH", client[1], server[1]), b"\xff" * 8
    question = struct.pack("=BBxxI", family, socket.IPPROTO_TCP, 0xFFFFFFFF)
    question += ports + client_address + server_address + bytes(4) + no_cookie
    with socket.socket(_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.sendto(_HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 0, 0) + question, (0, 0))
        answer = kernel.recv(4096)
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY:
        return None
    state, uid, inode = _ANSWER.unpack_from(answer, _HEADER.size)
    return state, uid, inode


def _pack(host: str) -> tuple[int, bytes]:
    """Return the address family and the 16 bytes of an address; those of IPv4 come first."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return socket.AF_INET if address.version == 4 else socket.AF_INET6, address.packed.ljust(16, b"\0")
