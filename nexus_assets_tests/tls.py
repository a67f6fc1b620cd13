"""Servers on this machine that speak TLS with a certificate of nobody's authority, for another host, or expired."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REQUEST = ("req", "-newkey", "rsa:2048", "-nodes", "-subj")


def write_certificate(folder: Path, name: str = "another.example", *, expired: bool = False) -> None:
    """Writes cert.pem, of an authority of its own, and key.pem into the folder; `name` may be an IP address."""
    kind = "IP" if name[0].isdigit() else "DNS"
    alternative = ("-addext", f"subjectAltName={kind}:{name}")
    key, cert = folder / "key.pem", folder / "cert.pem"
    if not expired:
        _openssl(*REQUEST, f"/CN={name}", "-x509", "-days", "1", *alternative, "-keyout", key, "-out", cert)
        return
    # Only `openssl ca` of every release in use can date a certificate back.
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca = own\n[own]\ndir = {folder}\ndatabase = {folder}/index.txt\nserial = {folder}/serial\n"
        f"new_certs_dir = {folder}\ndefault_md = sha256\npolicy = any\ncopy_extensions = copy\n[any]\ncommonName = supplied\n"
    )
    request = folder / "request.pem"
    _openssl(*REQUEST, f"/CN={name}", *alternative, "-keyout", key, "-out", request)
    dates = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
    _openssl(
        "ca", "-batch", "-selfsign", "-config", folder / "ca.cnf", "-keyfile", key, "-in", request, *dates, "-out", cert
    )


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@contextmanager
def speaking_tls(
    folder: Path, name: str = "another.example", *, directly: bool = False, expired: bool = False
) -> Iterator[int]:
    """A server that offers TLS, as PostgreSQL does or directly, with a certificate of nobody's authority; its port."""
    write_certificate(folder, name, expired=expired)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                if not directly:
                    client.recv(8)
                    client.sendall(b"S")
                try:
                    context.wrap_socket(client, server_side=True).close()
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
