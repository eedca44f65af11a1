"""Where a listener is: a port of an interface, or a socket in the file system."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from collector.connections import Runner

#: Addresses of sockets in the file system begin with this, as in gRPC.
UNIX = "unix:"


def unix_path(address: str) -> Path | None:
    """The path of a socket in the file system; None for a port."""
    return Path(address.removeprefix(UNIX)) if address.startswith(UNIX) else None


def clear(path: Path) -> None:
    """Remove a socket that a process left behind when it ended.

    Raises:
        OSError: if something answers there, or if it is no socket.
    """
    if not path.exists():
        return
    if not path.is_socket():
        raise OSError(f"{path} is there, and is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            with suppress(FileNotFoundError):
                path.unlink()
            return
    raise OSError(f"{path} is in use")


def open_to(path: Path, mode: str) -> None:
    """Say who may use a socket: its owner, group and others, as octal digits."""
    path.chmod(int(mode, 8))


async def listen(runner: Runner, address: str, mode: str, context: ssl.SSLContext | None) -> str:
    """Open a listener.

    Args:
        runner: set up.
        address: HOST:PORT, where port 0 takes a free one, or unix:PATH.
        mode: of the file at PATH, in octal digits.
        context: None is plain text.

    Returns:
        The address that was bound.

    Raises:
        OSError: if it cannot be bound.
    """
    path = unix_path(address)
    if path is not None:
        clear(path)
        await web.UnixSite(runner, str(path), ssl_context=context).start()
        open_to(path, mode)
        return address
    host, _, port = address.rpartition(":")
    await web.TCPSite(runner, host.strip("[]"), int(port), ssl_context=context).start()
    return f"{host}:{runner.addresses[0][1]}"
