#!/usr/bin/env python3
"""tests/e2e/api_mock.py CERT KEY PORT LOG: a box's API as far as the program's commands use it, over TLS 1.3. Appends a line
"METHOD PATH BODY" to LOG for each request with the right token or cookie. What is asked for in MODE (a file beside LOG, read at each
request) spoils the answer: chunked, cut, problem, nonsense, slow."""
import http.server
import json
import os
import ssl
import sys
import time

CERT, KEY, PORT, LOG = sys.argv[1:]
MODE = os.path.join(os.path.dirname(LOG), "mode")
SESSION = {"id": 1, "image": "debian", "version": "12", "state": "running", "start": {"rule": "ready", "n": 10}, "sentence": "12 machines, 5 minutes left",
           "rate_bits_s": 800000000, "rate_reason": "the slowest disk of 12", "machines": 12, "passed": 1, "failed": 1, "eta_s": 300}


def machine(n):
    return {"number": n, "mac": f"52:54:00:00:{n >> 8:02x}:{n & 255:02x}", "name": "\x1b[2Jpc \"é\"" if n == 1 else f"pc{n}", "asset": "", "position": "",
            "serial": "S" * 20, "address": f"10.77.{n >> 8}.{n & 255}", "session": 1, "state": "fail" if n == 2 else "receiving", "percent": 41.2,
            "rate_bits_s": 0, "loss_ppm": 120, "disk_bytes_s": 41000000, "link_mbps": 1000, "eta_s": 120,
            "cause": "The disk answers no more" if n == 2 else "", "disk": "a disk", "disk_serial": "D", "identify": False}


ANSWERS = {
    "GET /api/v1/status": {"seq": 17, "box": {"name": "room 7", "version": "0.1", "uptime_s": 3725, "guard": "serving", "data_free_bytes": 5000000000},
                           "totals": {"machines": 200, "waiting": 3, "imaging": 180, "verifying": 5, "passed": 10, "failed": 1, "lost": 1,
                                      "expected": 201, "never_came": 1},
                           "sessions": [SESSION], "machines": [machine(n) for n in range(1, 201)]},
    "GET /api/v1/sessions": [SESSION],
    "GET /api/v1/images": [{"name": "debian", "version": "12", "note": "", "bytes": 900000000, "raw_bytes": 0, "min_target_bytes": 8000000000,
                            "used_bytes": 2, "state": "ready", "percent": 100, "signer": "ab12", "root": "cd", "protected": True},
                           {"name": "own", "version": "", "bytes": 1, "min_target_bytes": 1, "state": "ready", "signer": "", "root": "ef"},
                           {"name": "coming", "version": "", "bytes": 1, "min_target_bytes": 1, "state": "packing", "signer": "", "root": ""}],
}


class Box(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body, kind="application/json", headers=()):
        mode = open(MODE).read().strip() if os.path.exists(MODE) else ""
        if mode == "slow":
            time.sleep(30)
        if mode == "nonsense":
            body = b"<html>"
        if mode == "problem":
            status, body = 409, json.dumps({"type": "about:blank", "title": "Conflict", "status": 409, "detail": "another session runs"}).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        if mode == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 1000):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(body[at:at + 1000]), body[at:at + 1000]))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body) + (10 if mode == "cut" else 0)))
            self.end_headers()
            self.wfile.write(body)
        self.close_connection = True

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        what = f"{self.command} {self.path}"
        if what == "POST /api/v1/login":
            if json.loads(body) == {"password": "correct horse"}:
                return self.send(200, b'{"csrf":"c5rf"}', headers=[("Set-Cookie", "rc=c00kie; HttpOnly; Secure; SameSite=Strict")])
            return self.send(403, b'{"title":"Forbidden","status":403,"detail":"the password is wrong"}', "application/problem+json")
        by_cookie = self.headers.get("Cookie") == "rc=c00kie" and self.headers.get("X-Ringcast-CSRF") == "c5rf"
        if not by_cookie and self.headers.get("Authorization") != "Bearer t0ken":
            return self.send(401, b'{"title":"Unauthorized","status":401,"detail":"a login or a token is needed"}', "application/problem+json")
        with open(LOG, "a") as log:
            print(what, body, file=log)
        if what == "POST /api/v1/tokens":
            return self.send(201, b'{"token":"t0ken"}')
        if self.path.startswith("/api/v1/report."):
            return self.send(200, b"attempt,mac\r\n1,52:54:00:00:00:01\r\n", "text/csv")
        if what in ANSWERS:
            return self.send(200, json.dumps(ANSWERS[what]).encode())
        return self.send(200 if self.command != "GET" else 404, b'{"ok":true}')

    do_GET = do_POST = do_PUT = do_DELETE = answer


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.load_cert_chain(CERT, KEY)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Box)
server.daemon_threads = True
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("ready", flush=True)
server.serve_forever()
