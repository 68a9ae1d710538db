import errno
import socket
from http.client import HTTPConnection, HTTPException


def is_port_free(host: str, port: int) -> bool:
    """Tell whether a server could listen there; other failures are raised."""
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As gunicorn does: a port in TIME_WAIT after our own stop counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def reachable(host: str) -> str:
    """Return where to knock for a server that listens on `host`."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - binds nothing
    return everywhere.get(host, host)


def is_alive(host: str, port: int, *, served_name: str) -> bool:
    """Ask /healthz, under a host name the product accepts."""
    connection = HTTPConnection(reachable(host), port, timeout=1)
    try:
        connection.request("GET", "/healthz", headers={"Host": served_name})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def bind_address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
