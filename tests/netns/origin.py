#!/usr/bin/env python3
"""The internet of the namespaces: HTTP on port 80, TLS on 443, an echo on UDP 443.

Every page says at which address it was asked for, so that a test sees what was dialled.
Takes the certificate, the key and the addresses of the echo as arguments; says "ready" once all
doors are open.
"""

import http.server
import socket
import ssl
import sys
import threading


class Page(http.server.BaseHTTPRequestHandler):
    """Answers with the address that the connection came to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        here = self.connection.getsockname()[0].removeprefix("::ffff:")
        body = f"served at {here} for {self.headers['Host']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    """IPv4 and IPv6 by one socket; the TLS handshake is done in the connection's own thread."""

    address_family = socket.AF_INET6
    tls = None

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def finish_request(self, request, client_address):
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        """A client that leaves in the handshake is no news."""


def echo(address):
    door = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    door.bind((address, 443))
    threading.Thread(target=answer, args=(door,), daemon=True).start()


def answer(door):
    while True:
        data, peer = door.recvfrom(2048)
        door.sendto(data, peer)


def main():
    plain, secure = Server(("::", 80), Page), Server(("::", 443), Page)
    secure.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.tls.load_cert_chain(sys.argv[1], sys.argv[2])
    for address in sys.argv[3:]:
        echo(address)
    for server in (plain, secure):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


main()
