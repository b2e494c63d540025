"""kill_box.py run KILLS SEED: kills the box's core, its receivers and the sender at random moments, in the room that kill_box.sh made.
kill_box.py image FILE: makes the disk that is imaged.

A case is drawn from its seed. There are three kinds:

  room     a box images five machines (`ringcast target`). Core and machines are killed and started again, often right after a machine was told
           that its PASS is kept. In every second room one machine is not expected, and its disk must stay as it was. At the end the core
           is killed once more, and status, report and disks are compared.
  sender   `ringcast serve` is killed and started again until three `ringcast restore` have ended.
  birth    a box on an empty data folder is killed while it makes its keys and its memory; later it must not be on hold.
"""
import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

MIB = 1 << 20
SECTOR = 512
IMAGE_BYTES = 6 * MIB
OLD = b"\x77"
PATIENCE_S = 240 # for what nobody disturbs
CONFIG = """[box]
address = 10.78.0.1/24
after-pass = wait
[dhcp]
mode = off
[ring]
rate = 40Mbit
[session]
start = now
"""


def make_image(path):
    """A first sector that says something, data, and room that is free."""
    rng = random.Random(10)
    disk = bytearray(IMAGE_BYTES)
    for at in (0, 1, 3, 4):
        disk[at * MIB:(at + 1) * MIB] = rng.randbytes(MIB)
    disk[510:512] = b"\x55\xaa"
    with open(path, "wb") as f:
        f.write(disk)


class Wrong(Exception):
    pass


def expect(holds, what):
    if not holds:
        raise Wrong(what)


def read(path, mode="r"):
    try:
        with open(path, mode) as f:
            return f.read()
    except FileNotFoundError:
        return "" if mode == "r" else b""


def wait_for(seconds, what, look):
    """Until look() is true; 50 times a second."""
    end = time.monotonic() + seconds
    while not look():
        expect(time.monotonic() < end, f"after {seconds} s still not so: {what}")
        time.sleep(0.02)


class Process:
    """One program in a namespace that is killed and started again; what all its lives said is in NAME.log."""

    def __init__(self, lab, name, ns, *command):
        self.lab, self.name, self.command = lab, name, ["ip", "netns", "exec", ns, lab.ringcast, *command]
        self.log, self.begins, self.lives, self.process = f"{name}.log", 0, 0, None
        lab.processes.append(self)

    def start(self):
        self.begins = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.lives += 1
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said(self, pattern, ever=False):
        return re.search(pattern, read(self.log, "rb")[0 if ever else self.begins:].decode(errors="replace"))

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """True if it was killed by this."""
        if self.process is None:
            return False
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Lab:
    def __init__(self):
        self.ringcast, self.token, self.server = (os.environ[k] for k in ("RINGCAST", "TOKEN", "SERVER"))
        self.machines = os.environ["MACHINES"].split()
        self.laptop = self.machines.pop()
        self.image = read("small.img", "rb")
        self.processes, self.kills = [], {"core": 0, "receiver": 0, "sender": 0}
        self.looks = {"empty": 0, "old": 0, "whole": 0}

    def clean(self):
        for p in self.processes:
            p.kill()
        self.processes.clear()
        for name in os.listdir("."):
            if name.endswith(".log") or name.startswith("disk"):
                os.unlink(name)
            if name == "data" or name.startswith("root"):
                shutil.rmtree(name)

    def kill(self, kind, process):
        killed = process.kill()
        self.kills[kind] += killed
        return killed

    def look(self, path):
        """A disk looks empty, as it was, or whole: its first sector, which is written last, says which."""
        now = read(path, "rb")
        if now[:SECTOR] == bytes(SECTOR):
            is_ = "empty"
        elif now[:SECTOR] == OLD * SECTOR:
            is_ = "old"
        else:
            expect(now[:IMAGE_BYTES] == self.image, f"{path} looks good and is not")
            is_ = "whole"
        self.looks[is_] += 1
        return is_

    def ask(self, path):
        done = subprocess.run(["ip", "netns", "exec", self.laptop, "curl", "-sSkf", "--max-time", "20", "-H", f"Authorization: Bearer {self.token}",
                               f"https://10.78.0.1/api/v1/{path}"], stdin=subprocess.DEVNULL, capture_output=True)
        expect(done.returncode == 0, f"the box does not answer {path}: {done.stderr.decode()}")
        return done.stdout


def make_disk(path):
    with open(path, "wb") as f:
        f.write(OLD * IMAGE_BYTES)


def make_machine(root):
    """What `ringcast target --disk-root` looks at: one disk, vda."""
    disk = f"{root}/sys/devices/pci0000:00/0000:00:03.0/virtio0/block/vda"
    for folder in (f"{root}/sys/block", f"{root}/dev", f"{root}/proc/self", f"{disk}/queue"):
        os.makedirs(folder)
    make_disk(f"{root}/dev/vda")
    for name, text in (("size", IMAGE_BYTES // SECTOR), ("queue/logical_block_size", SECTOR), ("ro", 0), ("removable", 0), ("serial", root), ("dev", "254:0")):
        with open(f"{disk}/{name}", "w") as f:
            f.write(f"{text}\n")
    open(f"{root}/proc/self/mountinfo", "w").close()
    os.symlink("../../" + disk[len(root) + 1:], f"{root}/sys/block/vda")


def make_page(path):
    """What the payload of this box would carry: its address and key."""
    import base64
    pem = read("data/identity.pub").splitlines()
    key = base64.b64decode("".join(line for line in pem if not line.startswith("-")))[-65:]
    text = f"RINGCAST-BOX-IDENTITY-1\naddress 10.78.0.1\nsession-port 7800\nkey {key.hex()}\nafter-pass wait\ndisk auto\n"
    with open(path, "wb") as f:
        f.write(text.encode().ljust(1024, b"\n"))


RING_SESSION = 4  # journal.h: JOURNAL_SESSION


def ring_sessions(path):
    """Image -> TSI, group and key, as the journal has them."""
    journal, at, found = read(path, "rb"), 8, {}
    while at + 8 <= len(journal) and journal[at + 4]:
        kind, nkey, nvalue = journal[at + 4], journal[at + 5], int.from_bytes(journal[at + 6:at + 8], "big")
        key = at + 8
        if kind == RING_SESSION:
            found[journal[key:key + nkey]] = journal[key + nkey:key + nkey + nvalue]
        at = key + nkey + nvalue
    return found


def mac(i):
    return f"52:49:4e:47:00:{i:02x}"


# ---- a box and its machines ----

class Machine:
    CONFIRMED = r"is on this machine's disk, read back and verified(?!; the box has not)"
    REFUSED = "(?s)(no session takes machines now|this machine has been imaged)(?!.*(Looking at the disks|Receiving|Reading back))"

    def __init__(self, lab, i):
        self.lab, self.mac, self.root = lab, mac(i), f"root{i}"
        self.disk = f"{self.root}/dev/vda"
        make_machine(self.root)
        self.process = Process(lab, f"target{i}", lab.machines[i - 1], "target", "--identity", "page", "--disk-root", self.root, "--framebuffer", "none",
                               "--address", f"10.78.0.{10 + i}/24")
        self.confirmed = None  # when: what the disk's times said

    def times(self):
        return os.stat(self.disk).st_mtime_ns

    def look(self):
        """True when its PASS has been confirmed since the last look."""
        if self.confirmed is None and self.process.said(self.CONFIRMED):
            expect(self.lab.look(self.disk) == "whole", f"{self.mac} says PASS and its disk is not the image")
            self.confirmed = self.times()
            return True
        return False

    def is_done(self):
        """Confirmed; or killed between its PASS and the box's word, and refused since."""
        return self.confirmed is not None or (self.process.said(self.REFUSED) and self.lab.look(self.disk) == "whole")

    def kill(self):
        if self.lab.kill("receiver", self.process):
            self.look()
            self.lab.look(self.disk)


class Room:
    def __init__(self, lab, rng):
        self.lab, self.rng = lab, rng
        self.listed = rng.random() < 0.5
        shutil.copytree("template", "data")
        make_page("page")
        with open("ringcast.conf", "w") as f:
            f.write(CONFIG + ("targets = expected\n" if self.listed else ""))
        if os.path.exists("machines.csv"):
            os.unlink("machines.csv")
        if self.listed:
            with open("machines.csv", "w") as f:
                f.write("MAC,name\n" + "".join(f"{mac(i)},desk {i}\n" for i in range(1, 5)))
        self.machines = [Machine(lab, i) for i in range(1, 6)]
        self.wanted = self.machines[:4] if self.listed else self.machines
        self.core = Process(lab, "box", lab.server, "box", "--config", "ringcast.conf", "--images", "images", "--payload", "payload", "--data", "data")
        self.ring = {}

    def at_work(self):
        return [m for m in self.wanted if not m.is_done()]

    def pause(self, seconds):
        """Waits; true as soon as a PASS is confirmed."""
        end = time.monotonic() + seconds
        news = False
        while not news and time.monotonic() < end:
            news = any([m.look() for m in self.wanted])
            time.sleep(0.01)
        return news

    def core_again(self):
        if self.lab.kill("core", self.core):
            before, self.ring = self.ring, ring_sessions("data/journal")
            expect(not before or before == self.ring, "the core's death was no pause: the stream has another TSI, group or key")
            time.sleep(self.rng.choice((0, 0.3)) * self.rng.random())
            self.core.start()
        else:
            raise Wrong(f"the core ended by itself: {self.core.process.returncode}")

    def step(self):
        """One moment, and one kill."""
        news = self.pause(self.rng.choice((0.4, 1.5, 3)) * self.rng.random())
        if news and self.rng.random() < 0.5:
            self.pause(0.05 * self.rng.random())
        if news or self.rng.random() < 0.7:
            self.core_again()
        else:
            m = self.rng.choice(self.machines)
            m.kill()
            m.process.start()

    def run(self):
        self.core.start()
        for m in self.machines:
            m.process.start()
        end = time.monotonic() + PATIENCE_S
        for _ in range(self.rng.randint(8, 16)):
            self.step()
        while self.at_work():  # undisturbed, but for what a confirmed PASS brings
            expect(time.monotonic() < end, f"{len(self.at_work())} machines are not done")
            if self.pause(1) and self.rng.random() < 0.5:
                self.core_again()
            for m in self.at_work():
                expect(m.process.runs() or m.look() or m.is_done(), f"{m.mac} gave up")
                if m.process.said("the box has not confirmed it"):  # on a machine that is too busy
                    m.kill()
                    m.process.start()
        self.core_again()
        self.compare()

    def compare(self):
        wait_for(PATIENCE_S, "the core is up", lambda: self.core.said("is up on eth0") and self.core.said("small: serving"))
        for m in self.machines:
            m.kill()
        again = self.rng.choice(self.wanted)  # it netboots once more
        again.process.start()
        wait_for(PATIENCE_S, "a machine that is done is refused", lambda: again.process.said(again.REFUSED))
        status, rows = json.loads(self.lab.ask("status")), self.report()
        expect(not status["box"].get("hold"), f"on hold after a kill: {status['box'].get('hold')}")
        expect(not self.core.said("on hold", ever=True), "on hold after a kill")
        for m in self.machines:
            self.compare_machine(m, [r["state"] for r in status["machines"] if r["mac"] == m.mac], [r for r in rows if r["mac"] == m.mac])

    def report(self):
        with open("report.csv", "wb") as f:
            f.write(self.lab.ask("report.csv"))
        judged = subprocess.run([self.lab.ringcast, "report", "verify", "report.csv", "--key", "data/identity.pub"], capture_output=True)
        expect(judged.returncode == 0, f"the report's signature: {judged.stderr.decode()}")
        with open("report.csv", newline="") as f:
            return list(csv.DictReader(f))

    def compare_machine(self, m, states, rows):
        passed = [r for r in rows if r["result"] == "pass"]
        whole = self.lab.look(m.disk) == "whole"
        expect(whole or not passed, f"{m.mac}: the report says PASS and the disk is not the image")
        expect(whole or "pass" not in states, f"{m.mac}: the room says PASS and the disk is not the image")
        if m in self.wanted:
            expect(states == ["pass"], f"{m.mac} is done, and the room says {states}")
            expect(len(passed) == 1, f"{m.mac} is done, and the report has {len(passed)} rows of PASS")
            expect(m.confirmed in (None, m.times()), f"{m.mac} was imaged again after its PASS was confirmed")
        else:
            expect(not rows and not whole and self.lab.look(m.disk) == "old", f"{m.mac} is not expected, and was erased")
        expect(len(rows) <= m.process.lives, f"{m.mac} has {len(rows)} rows, and was started {m.process.lives} times")
        expect([r["result"] for r in rows].count("running") == 0, f"{m.mac} is done, and a row says running")


# ---- a sender and its receivers ----

def sender(lab, rng):
    serve = Process(lab, "serve", lab.server, "serve", "--interface", "eth0", "--address", "10.78.0.1/24", "--rate", "40Mbit", "small.ring")
    restores = []
    for i in range(1, 4):
        make_disk(f"disk{i}")
        restores.append(Process(lab, f"restore{i}", lab.machines[i - 1], "restore", "--source", "ringcast://10.78.0.1/small", "--target", f"disk{i}",
                                "--erase", "--noprompt", "--json", "--timeout", "60", "--key", "small.pub", "--interface", "eth0",
                                "--address", f"10.78.0.{10 + i}/24"))
    serve.start()
    for r in restores:
        r.start()
    end = time.monotonic() + PATIENCE_S
    kills = rng.randint(4, 10)
    while any(r.runs() for r in restores):
        expect(time.monotonic() < end, "receivers are not done")
        time.sleep(rng.choice((0.2, 1, 2)) * rng.random() if kills > 0 else 0.05)
        if kills <= 0:
            continue
        kills -= 1
        if rng.random() < 0.8:
            expect(lab.kill("sender", serve), "the sender ended by itself")
            time.sleep(0.2 * rng.random())
            serve.start()
        else:
            i = rng.randrange(3)
            if lab.kill("receiver", restores[i]):
                lab.look(f"disk{i + 1}")
                restores[i].start()
    for i, r in enumerate(restores):
        expect(r.process.returncode == 0 and r.said('"result": *"pass"'), f"receiver {i + 1} ended with {r.process.returncode}")
        expect(lab.look(f"disk{i + 1}") == "whole", f"receiver {i + 1} says PASS and its disk is not the image")


# ---- a box's first minute ----

def try_birth(lab, rng, core):
    """Killed a moment after its first file. A key without a memory would be a lost memory to the next start."""
    shutil.rmtree("data", ignore_errors=True)
    os.mkdir("data")
    core.start()
    end = time.monotonic() + PATIENCE_S
    while not os.listdir("data"):
        expect(time.monotonic() < end, "the core makes no file")
    time.sleep(rng.choice((0.001, 0.01)) * rng.random())
    expect(lab.kill("core", core), "the core ended by itself")
    expect(os.path.exists("data/journal") or not os.path.exists("data/identity.key"), "the key is there, and the memory is not")


def birth(lab, rng):
    with open("ringcast.conf", "w") as f:
        f.write(CONFIG)
    core = Process(lab, "box", lab.server, "box", "--config", "ringcast.conf", "--images", "images", "--payload", "payload", "--data", "data")
    for _ in range(4):
        try_birth(lab, rng, core)
    for _ in range(rng.randint(2, 4)):
        core.start()
        time.sleep(rng.choice((0.05, 0.2, 0.6)) * rng.random())
        expect(lab.kill("core", core), "the core ended by itself")
    core.start()
    wait_for(PATIENCE_S, "the box is up, with its session", lambda: core.said("small: serving") and core.said("session 1 is running|on hold", ever=True))
    expect(not core.said("on hold", ever=True), "on hold after a kill")
    expect(not core.said("cannot be read", ever=True), "something cannot be read after a kill")


def one_case(lab, seed):
    rng = random.Random(seed)
    kind = ("room", "sender", "birth", "room", "sender", "room")[seed % 6]
    lab.clean()
    try:
        if kind == "room":
            Room(lab, rng).run()
        else:
            {"sender": sender, "birth": birth}[kind](lab, rng)
    except Wrong as wrong:
        print(f"{kind}, seed {seed}: {wrong}; again: {os.environ['AGAIN']} 1 {seed}", flush=True)
        for name in sorted(os.listdir(".")):
            if name.endswith(".log"):
                print(f"--- the end of {name}", *read(name, "rb").decode(errors="replace").splitlines()[-12:], sep="\n", flush=True)
        return False
    finally:
        for p in lab.processes:
            p.kill()
    return True


def run(want, seed):
    lab, bad, cases, began = Lab(), 0, 0, time.monotonic()
    while cases == 0 or sum(lab.kills.values()) < want:
        bad += not one_case(lab, seed + cases)
        cases += 1
    took = time.monotonic() - began
    print(f"{sum(lab.kills.values())} kills ({lab.kills['core']} of the core, {lab.kills['receiver']} of receivers, {lab.kills['sender']} of the sender) in "
          f"{cases} cases from seed {seed}, {took:.0f} s: disks looked {lab.looks}; {bad} wrong", flush=True)
    return bad


if sys.argv[1] == "image":
    make_image(sys.argv[2])
else:
    sys.exit(run(int(sys.argv[2]), int(sys.argv[3])) != 0)
