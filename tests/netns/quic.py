#!/usr/bin/env python3
"""Sends a datagram to UDP port 443 of an address and says what a browser's QUIC would see."""

import socket
import sys

family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as door:
    door.settimeout(3)
    door.connect((sys.argv[1], 443))
    try:
        door.send(b"hello")
        print("answered" if door.recv(100) == b"hello" else "garbled")
    except ConnectionRefusedError:
        print("refused")
    except TimeoutError:
        print("silence")
