#!/usr/bin/env python3
"""pages_tool.py ADDRESS TOKEN PAGES SECONDS: so many pages that follow the room by /api/v1/events, in one program.

One JSON object on stdout when the time is up: pages, the fewest and most events one has had, bytes of all, the machines that the last state of
every page knows, and "broken": pages whose events were not a status and then every change after it."""
import json
import selectors
import socket
import ssl
import sys
import time

address, token, pages, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
context = ssl._create_unverified_context()


class Page:
    def __init__(self):
        plain = socket.create_connection((address, 443), timeout=20)
        self.line = context.wrap_socket(plain)
        self.line.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        self.line.setblocking(False)
        self.raw, self.text, self.head = b"", b"", False
        self.events = self.bytes = self.seq = 0
        self.machines, self.broken = set(), ""

    def read(self):
        while True:
            try:
                some = self.line.recv(65536)
            except ssl.SSLWantReadError:
                break
            if not some:
                self.broken = self.broken or "closed"
                break
            self.bytes += len(some)
            self.raw += some
        self.unchunk()
        while b"\n\n" in self.text:
            event, self.text = self.text.split(b"\n\n", 1)
            self.take(event)
        return not self.broken

    def unchunk(self):
        if not self.head:
            if b"\r\n\r\n" not in self.raw:
                return
            head, self.raw = self.raw.split(b"\r\n\r\n", 1)
            self.head = True
            if b" 200 " not in head.split(b"\r\n")[0] or b"chunked" not in head.lower():
                self.broken = head.decode("latin-1")
        while b"\r\n" in self.raw:
            size, rest = self.raw.split(b"\r\n", 1)
            n = int(size, 16)
            if len(rest) < n + 2:
                return
            self.text += rest[:n]
            self.raw = rest[n + 2:]

    def take(self, event):
        fields = dict(line.split(b": ", 1) for line in event.split(b"\n"))
        kind, seq = fields[b"event"], int(fields[b"id"])
        # Numbers are enough for most of the pages: reading all the JSON is this program's time, not the box's.
        if (self.events == 0) != (kind == b"status") or (self.events and seq != self.seq + 1):
            self.broken = f"{kind} {seq} after {self.seq}"
        if self.events % 10 == 0:
            data = json.loads(fields[b"data"])
            self.machines |= {m["mac"] for m in data["machines"]}
        self.events, self.seq = self.events + 1, seq


all_pages = [Page() for _ in range(pages)]
selector = selectors.DefaultSelector()
for page in all_pages:
    selector.register(page.line, selectors.EVENT_READ, page)
print("all are open", file=sys.stderr, flush=True)
end = time.monotonic() + seconds
while time.monotonic() < end:
    for key, _ in selector.select(0.2):
        if not key.data.read():
            selector.unregister(key.data.line)
counts = [p.events for p in all_pages]
print(json.dumps({"pages": pages, "events": [min(counts), max(counts)], "bytes": sum(p.bytes for p in all_pages),
                  "machines": min(len(p.machines) for p in all_pages), "broken": [p.broken for p in all_pages if p.broken]}))
