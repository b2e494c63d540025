"""The virtual switch over its real sockets: who gets which frame, a querier's effect, bad lines by seed, captures, machines
that come back, one that reads nothing, and its speed."""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.environ.get("TOP", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SWITCH, PORT = f"{TOP}/build/boot/switch", f"{TOP}/build/boot/port"
ALL = b"\xff" * 6
GROUP = b"\x01\x00\x5e\x01\x02\x03"


def mac(n):
    return b"RING\x00" + bytes([n])


class Switch:
    def __init__(self, folder, *options, ports=("a", "b", "c")):
        self.folder = folder
        self.process = subprocess.Popen([SWITCH, "--dir", folder, *options, *ports], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(f"{folder}/control")
        self.answers = self.control.makefile()

    def ask(self, line):
        self.control.sendall(line.encode() + b"\n")
        return json.loads(self.answers.readline())

    def quit(self):
        assert self.ask("quit") == {"ok": True}
        assert self.process.wait(10) == 0
        json.loads(self.process.stdout.read())

    def plug(self, name):
        line = Line(f"{self.folder}/{name}")
        wait(lambda: self.ask("stats")["ports"][name]["plugged"])
        return line


class Line:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.bytes = b""

    def send(self, *frames):
        self.socket.sendall(b"".join(struct.pack(">I", len(f)) + f for f in frames))

    def receive(self, seconds=0.2, most=1 << 30):
        """The frames that come until none came for so long."""
        frames = []
        self.socket.settimeout(seconds)
        while len(frames) < most:
            if len(self.bytes) >= 4 and len(self.bytes) - 4 >= struct.unpack(">I", self.bytes[:4])[0]:
                n = struct.unpack(">I", self.bytes[:4])[0] + 4
                frames.append(self.bytes[4:n])
                self.bytes = self.bytes[n:]
                continue
            try:
                got = self.socket.recv(1 << 20)
            except TimeoutError:
                break
            if not got:
                break
            self.bytes += got
        return frames


def wait(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def frame(to, source, payload=b"", kind=0x88b5):
    return to + source + struct.pack(">H", kind) + payload


def ip(to, source, proto, destination, payload, address=b"\x0a\x00\x00\x01"):
    head = struct.pack(">BBHIBBH", 0x45, 0, 20 + len(payload), 0, 1, proto, 0) + address + destination
    return frame(to, source, head + payload, 0x0800)


def igmp(source, kind, group=b"\0\0\0\0", to=GROUP, code=0, tail=b"", address=b"\x0a\x00\x00\x01"):
    body = struct.pack(">BBH", kind, code, 0) + group + tail
    total = sum(struct.unpack(f">{len(body) // 2}H", body))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    body = body[:2] + struct.pack(">H", ~total & 0xffff) + body[4:]
    return ip(to, source, 2, group if group[0] else b"\xe0\x00\x00\x16", body, address)


def stream(n):
    return ip(GROUP, mac(1), 17, b"\xef\x01\x02\x03", struct.pack(">HHHHI", 7800, 7800, 12, 0, n))


def forwarding(folder):
    switch = Switch(folder, "--pcap", folder)
    a, b, c = (switch.plug(p) for p in "abc")
    a.send(frame(ALL, mac(1), b"hello"))
    assert b.receive() == c.receive() == [frame(ALL, mac(1), b"hello")] and a.receive() == [], "broadcast"
    b.send(frame(mac(1), mac(2), b"to a"))
    assert a.receive() == [frame(mac(1), mac(2), b"to a")] and c.receive() == [], "a known address"
    a.send(frame(mac(9), mac(1), b"to whom"))
    assert len(b.receive()) == len(c.receive()) == 1, "an unknown address"
    # In pieces, and many at once.
    whole = b"".join(struct.pack(">I", 60) + frame(mac(1), mac(2), bytes(46)) for _ in range(100))
    for at in range(0, len(whole), 1000):
        b.socket.sendall(whole[at:at + 1000])
        time.sleep(0.001)
    assert len(a.receive()) == 100, "frames in pieces"
    # The machine at a moves to c; then its line goes down and what was learned goes with it.
    c.send(frame(ALL, mac(1), b""))
    a.receive(), b.receive()
    b.send(frame(mac(1), mac(2), b"moved"))
    assert len(c.receive()) == 1 and a.receive() == [] and switch.ask("stats")["addresses_moved"] == 1
    c.socket.close()
    wait(lambda: not switch.ask("stats")["ports"]["c"]["plugged"])
    b.send(frame(mac(1), mac(2), b"gone"))
    assert len(a.receive()) == 1, "an address whose line went down is unknown again"
    c = switch.plug("c")
    assert switch.ask("cable b out") == {"ok": True}
    b.send(frame(ALL, mac(2), b"lost"))
    a.send(frame(ALL, mac(1), b"lost"))
    assert a.receive() == b.receive() == [] and len(c.receive()) == 1, "a pulled cable"
    assert "error" in switch.ask("cable d out") and "error" in switch.ask("nonsense") and "error" in switch.ask("")
    # Nonsense ends the line, not the switch.
    a.socket.sendall(b"\xff\xff\xff\xff")
    wait(lambda: not switch.ask("stats")["ports"]["a"]["plugged"])
    ports = switch.ask("stats")["ports"]
    assert ports["b"]["sent"]["other"] == 104 and ports["b"]["connections"] == 1 and ports["c"]["connections"] == 2, ports
    switch.quit()
    captured = open(f"{folder}/b.pcap", "rb").read()
    assert captured[:4] == b"\xa1\xb2\x3c\x4d" and b"to whom" in captured and b"gone" in captured


def snooping(folder):
    switch = Switch(folder, "--membership", "1.5", "--last-member", "0.3")
    a, b, c = (switch.plug(p) for p in "abc")
    a.send(stream(0))
    assert len(b.receive()) == len(c.receive()) == 1, "no querier: flooded"
    a.send(igmp(mac(1), 0x11, code=100, to=b"\x01\x00\x5e\x00\x00\x01"))
    assert len(b.receive()) == len(c.receive()) == 1, "a query goes to all"
    b.send(igmp(mac(2), 0x16, b"\xef\x01\x02\x03"))
    assert len(a.receive()) == 1 and c.receive() == [], "a report goes to the querier alone"
    a.send(stream(1))
    assert len(b.receive()) == 1 and c.receive() == [], "members alone"
    groups = switch.ask("stats")["igmp"]
    assert groups["groups"][0]["group"] == "239.1.2.3" and list(groups["groups"][0]["ports"]) == ["b"]
    assert groups["querier"] == {"address": "10.0.0.1", "port": "a", "version": 2} and list(groups["routers"]) == ["a"]
    a.send(ip(b"\x01\x00\x5e\x00\x00\xfb", mac(1), 17, b"\xe0\x00\x00\xfb", bytes(8)))
    assert len(b.receive()) == len(c.receive()) == 1, "224.0.0.0/24 goes to all"
    time.sleep(1.6)
    a.send(stream(2))
    assert b.receive() == c.receive() == [], "memberships end"
    c.send(igmp(mac(3), 0x22, b"\0\0\0\1", to=b"\x01\x00\x5e\x00\x00\x16", tail=b"\x04\0\0\0\xef\x01\x02\x03"))
    a.receive()
    a.send(stream(3))
    assert b.receive() == [] and len(c.receive()) == 1, "a version 3 report"
    c.send(igmp(mac(3), 0x17, b"\xef\x01\x02\x03", to=b"\x01\x00\x5e\x00\x00\x02"))
    time.sleep(0.4)
    a.send(stream(4))
    assert c.receive() == [], "a leave, and nobody answers for the group"
    switch.quit()


def lines(folder):
    """A seed loses and delays the same frames every time."""
    seen = []
    for run in range(2):
        sub = f"{folder}/{run}"
        os.mkdir(sub)
        switch = Switch(sub, "--to", "b:drop=10%,seed=5,late=5%,by=20ms", "--from", "a:drop=2%,burst=3,seed=9")
        a, b, c = (switch.plug(p) for p in "abc")
        a.send(*(stream(n) for n in range(1000)))
        got = [struct.unpack(">I", f[-4:])[0] for f in b.receive(0.5)]
        all_of_c = [struct.unpack(">I", f[-4:])[0] for f in c.receive(0.5)]
        assert all_of_c == sorted(all_of_c) and 880 < len(all_of_c) < 985, len(all_of_c)
        assert 750 < len(got) < 930 and got != sorted(got), "some are lost, some come late"
        assert switch.ask("stats")["ports"]["b"]["line_lost"] == len(all_of_c) - len(got)
        assert switch.ask("clear b") == switch.ask("clear a") == {"ok": True}
        a.send(*(stream(n) for n in range(50)))
        assert len(b.receive()) == 50
        assert switch.ask("impair b to delay=300ms") == {"ok": True}
        began = time.monotonic()
        a.send(stream(1))
        assert len(b.receive(2, 1)) == 1 and time.monotonic() - began >= 0.29, "a delay"
        switch.quit()
        seen.append(sorted(got))
    assert seen[0] == seen[1], "the same seed loses the same frames"


def a_slow_machine(folder):
    """One that reads nothing costs the others nothing, and what it loses is counted; what it gets is whole."""
    switch = Switch(folder, "--queue", "1MB")
    a, b, c = (switch.plug(p) for p in "abc")
    sent = 0
    for _ in range(40):
        a.send(*(ip(GROUP, mac(1), 17, b"\xef\x01\x02\x03", struct.pack(">HHHHI", 1, 1, 1480, 0, sent + i) + bytes(1400))
                 for i in range(100)))
        sent += 100
        assert len(c.receive(5, 100)) == 100, "the other machine"
    dropped = switch.ask("stats")["ports"]["b"]["queue_dropped"]
    got = [struct.unpack(">I", f[42:46])[0] for f in b.receive(0.5)]
    assert dropped and len(got) + dropped == sent and got == sorted(got), (len(got), dropped, sent)
    switch.quit()


def speed(folder):
    """Four machines' worth of full frames: one sender, three that count. A measure, and a floor far below it."""
    switch = Switch(folder, "--queue", "64MB", ports=("a", "b", "c", "d"))
    counters = [subprocess.Popen([PORT, f"{folder}/{p}", "count", "1", "join"], stdout=subprocess.PIPE) for p in "bcd"]
    wait(lambda: len(switch.ask("stats")["igmp"]["groups"][0:1]) and
         len(switch.ask("stats")["igmp"]["groups"][0]["ports"]) == 3)
    flood = json.loads(subprocess.run([PORT, f"{folder}/a", "flood", "200000", "1514"], stdout=subprocess.PIPE, check=True).stdout)
    results = [json.loads(c.communicate(timeout=60)[0]) for c in counters]
    dropped = sum(p["queue_dropped"] for p in switch.ask("stats")["ports"].values())
    assert sum(r["received"] for r in results) + dropped == 600000, (results, dropped)
    assert flood["pps"] > 10000, flood
    print(f"{flood['pps']} frames a second to each of three machines, {dropped} dropped")
    switch.quit()


def main():
    if not os.path.exists(SWITCH):
        print("build/boot/switch is not built")
        sys.exit(77)
    for test in (forwarding, snooping, lines, a_slow_machine, speed):
        with tempfile.TemporaryDirectory(prefix="switch.", dir=os.environ.get("SWITCH_DIR", "/tmp")) as folder:
            test(folder)
        print(f"ok {test.__name__}", flush=True)


main()
