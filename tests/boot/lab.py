#!/usr/bin/env python3
"""The prep room in virtual machines: the box, targets with blank disks, and the virtual switch between them. No privilege.

   tests/boot/lab.py demo                 what `make demo` runs: three targets, told as it happens, screens in build/demo, and the
                                          box's page in a browser: set-up, library, the session armed there, the room, the report;
                                          then the page of a full room (tests/e2e/room_page.sh), pictures in build/demo/room
   tests/boot/lab.py test bios uefi ...   the same for some kinds of target, in few words; screens and logs in $TMPDIR
   tests/boot/lab.py run bios ...         the box and these targets, until Ctrl-C; where their lines are is printed

Kinds of target: bios (SeaBIOS, iPXE in the network card's ROM, IDE disk), uefi (OVMF's own PXE, NVMe disk), http (OVMF's HTTP
boot, virtio disk). Each has 512 MB, starts from the network first and from its disk second, and goes through

   start -> firmware asks for an address -> receiver starts -> imaging -> PASS -> [the disk is compared] -> restart
         -> the network has nothing for it -> its own disk -> login -> root looks round -> power off -> [fsck]

A machine that restarts is held at that moment (QEMU's -action), so that what is on its disk is what the receiver left.
Everything runs in TCG: KVM is neither needed nor used. (The CPU is one without AVX: QEMU 7.2 is the first that emulates it, and
with it systemd in a guest reads wrong bytes now and then.) RINGCAST_LAB_PATIENCE stretches all time limits; LAB_KEEP=1 keeps
the folder; LAB_RATE, LAB_IMAGE (the box's image), LAB_DISK (the source) and LAB_RING (the source, packed) choose others.
"""
import contextlib
import ctypes
import dataclasses
import glob
import hashlib
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = float(os.environ.get("RINGCAST_LAB_PATIENCE", os.environ.get("PATIENCE", 1)))
IMAGE = os.environ.get("LAB_IMAGE", f"{TOP}/build/ringcast-pc-x86_64.img")
RINGCAST = os.environ.get("RINGCAST", f"{TOP}/build/ringcast")
SWITCH = f"{TOP}/build/boot/switch"
DOOR = f"{TOP}/build/boot/door"
OVMF = "/usr/share/OVMF"
MIB = 1 << 20
BOX_ADDRESS = "10.77.0.1"
SKIP = 77

os.environ["PATH"] += ":/usr/sbin:/sbin"
os.environ["MTOOLS_SKIP_CHECK"] = "1"
libc = ctypes.CDLL(None)


class Trouble(Exception):
    """What a person must read: what was waited for, and what came."""


def end_with_me():
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: whatever way the lab ends, its machines end with it


def background(command, niceness=0, **more):
    def prepare():
        end_with_me()
        os.nice(niceness)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=prepare, **more)


def tool(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Trouble(f"{' '.join(command)}: {(done.stderr + done.stdout).strip() or done.returncode}")
    return done.stdout


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def plain(text):
    """What a serial line said, without the movements of a cursor."""
    return re.sub(r"\x1b(\[[0-9;?=]*[A-Za-z]|[()].|.)", "", text).replace("\r\n", "\n").replace("\r", "\n")


def png(ppm_path, path):
    """QEMU's screen dump as a PNG."""
    with open(ppm_path, "rb") as file:
        head = b""
        while len(head.split()) < 4:
            head += file.readline()
        width, height = map(int, head.split()[1:3])
        pixels = file.read()

    def part(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + pixels[y * width * 3:(y + 1) * width * 3] for y in range(height))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                   part(b"IDAT", zlib.compress(rows, 6)) + part(b"IEND", b""))
    os.unlink(ppm_path)


class Lines:
    """A stream socket that carries lines of JSON."""

    def __init__(self, path, seconds=20):
        end = time.monotonic() + seconds
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise Trouble(f"nobody listens at {path}") from None
                time.sleep(0.05)
        self.socket.settimeout(60)
        self.text = self.socket.makefile()

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def receive(self):
        line = self.text.readline()
        if not line:
            raise Trouble("the line ended")
        return json.loads(line)


class Qmp(Lines):
    """QEMU's control: commands, and the events that came meanwhile."""

    def __init__(self, path):
        super().__init__(path)
        self.events = []
        self.receive()
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        self.send(json.dumps({"execute": command, "arguments": arguments}))
        while True:
            answer = self.receive()
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise Trouble(f"QEMU: {command}: {answer['error']['desc']}")
            else:
                return answer["return"]


class Switch(Lines):
    def __init__(self, folder, ports, pcap=False):
        options = ["--pcap", folder, "--pcap-streams", "no"] if pcap else []
        with open(f"{folder}/switch.log", "w") as log:
            self.process = background([SWITCH, "--dir", folder, *options, *ports], stdout=log, stderr=log)
        super().__init__(f"{folder}/control")

    def ask(self, line):
        self.send(line)
        return self.receive()


class Machine:
    """One virtual machine: its QEMU, disk, serial line and screen."""

    FIRMWARE = {"bios": ["-M", "pc"], "uefi": ["-M", "q35"], "http": ["-M", "q35"]}
    DISK = {"bios": ["-device", "ide-hd,drive=d,bootindex={i},serial=LAB-{n},model=LAB-DISK"],
            "uefi": ["-device", "nvme,drive=d,bootindex={i},serial=LAB-{n}"],
            "http": ["-device", "virtio-blk-pci,drive=d,bootindex={i},serial=LAB-{n}"]}

    def __init__(self, folder, name, kind, number, disk, memory=512, net_first=True, niceness=0):
        self.folder, self.name, self.kind, self.disk = folder, name, kind, disk
        self.mac = f"52:49:4e:47:77:{number:02x}"
        self.serial = f"{folder}/{name}.serial"
        self.niceness = niceness
        self.command = ["qemu-system-x86_64", "-name", f"lab-{name}", "-accel", "tcg", "-cpu", "Westmere", "-m", str(memory), "-display", "none",
                        "-action", "reboot=shutdown,shutdown=pause", "-qmp", f"unix:{folder}/{name}.qmp,server=on,wait=off",
                        "-chardev", f"socket,id=s,path={folder}/{name}.tty,server=on,wait=off,logfile={self.serial}",
                        "-serial", "chardev:s", "-device", "VGA,edid=on,xres=1024,yres=768" if kind != "bios" else "VGA",
                        "-smbios", f"type=1,manufacturer=Ringcast,product=lab-{kind},serial={name}",
                        *self.FIRMWARE[kind], *self.firmware(), *self.network(net_first),
                        "-drive", f"if=none,id=d,file={disk},format=raw,cache=unsafe,discard=unmap"]
        index = 2 if net_first else 1
        self.command += [part.format(i=index, n=name.upper()) for part in self.DISK[kind]]
        self.process = self.qmp = None

    def firmware(self):
        if self.kind == "bios":
            return []
        variables = f"{self.folder}/{self.name}.vars"
        shutil.copyfile(f"{OVMF}/OVMF_VARS_4M.fd", variables)
        off = ["IPv6PXESupport"] + (["IPv4PXESupport"] if self.kind == "http" else [])
        return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                "-drive", f"if=pflash,format=raw,file={variables}",
                *(word for o in off for word in ("-fw_cfg", f"name=opt/org.tianocore/{o},string=n"))]

    def network(self, first):
        rom = "" if self.kind == "bios" else ",romfile="  # OVMF has a network stack of its own
        index = ",bootindex=1" if first else ""
        return ["-netdev", f"stream,id=n,server=off,addr.type=unix,addr.path={self.folder}/{self.name}",
                "-device", f"virtio-net-pci,netdev=n,mac={self.mac}{index}{rom}"]

    def start(self):
        with open(f"{self.folder}/{self.name}.qemu", "w") as log:
            self.process = background(self.command, self.niceness, stdout=log, stderr=log)
        self.qmp = Qmp(f"{self.folder}/{self.name}.qmp")

    def alive(self):
        if self.process.poll() is not None:
            raise Trouble(f"{self.name}: QEMU ended: {read(f'{self.folder}/{self.name}.qemu').strip()[-400:]}")

    def said(self):
        return plain(read(self.serial))

    def state(self):
        """running, shutdown (it restarts or went off, and is held), ..."""
        self.alive()
        return self.qmp.do("query-status")["status"]

    def held(self):
        """It restarted or went off."""
        return self.state() == "shutdown"

    def restarts(self):
        """It is held at a restart of its own."""
        held = self.held()
        reasons = [e["data"]["reason"] for e in self.qmp.events if e["event"] == "SHUTDOWN"]
        return held and reasons[-1:] == ["guest-reset"]

    def hold_at_restart(self, yes):
        self.qmp.do("set-action", reboot="shutdown" if yes else "reset")

    def go_on(self):
        """Lets a machine that was held at its restart start. SeaBIOS, started warm, resets the machine once more: from now on
        no restart is held."""
        self.hold_at_restart(False)
        self.qmp.do("system_reset")
        end = time.monotonic() + 10 * PATIENCE
        while self.held():  # it comes some time after the command
            if time.monotonic() > end:
                raise Trouble(f"{self.name}: QEMU does not reset it")
            time.sleep(0.05)
        self.qmp.do("cont")

    def screen(self, path):
        self.qmp.do("screendump", filename=f"{path}.ppm")
        png(f"{path}.ppm", path)

    def chat(self, *steps, seconds=60):
        """On the serial line: each step is what to type and the pattern to wait for; returns all that was said."""
        tty, said, end = socket.socket(socket.AF_UNIX), "", time.monotonic() + seconds * PATIENCE
        tty.connect(f"{self.folder}/{self.name}.tty")
        with tty:
            for text, pattern in steps:
                at = len(said)
                tty.sendall(text.encode())
                while not re.search(pattern, plain(said[at:])):
                    if not select.select([tty], [], [], 1)[0] and time.monotonic() > end:
                        raise Trouble(f"{self.name}: expected {pattern!r} after {text!r}, got {said[at:][-200:]!r}")
                    with contextlib.suppress(BlockingIOError):
                        said += tty.recv(65536, socket.MSG_DONTWAIT).decode(errors="replace")
        return plain(said)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Browser:
    """Somebody with a laptop on the switch, at the box's page (tests/web/demo.mjs by way of tests/boot/door.c). What goes wrong
    here is told, and is nobody else's trouble: the room goes on."""

    CODE = r"code\b[^\n]*?\b([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4})\b"
    SECONDS = 240  # for one thing to be done: the box is emulated, and so are its sums

    def __init__(self, lab, pictures):
        self.lab, self.trouble, self.waiting, self.text = lab, [], [], b""
        self.door = self.node = None
        for old in glob.glob(f"{pictures}/page-*.png"):
            os.unlink(old)
        try:
            needs("node", "chromium", DOOR)
            self.door = background([DOOR, f"{lab.folder}/laptop", BOX_ADDRESS, "443"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            ready = select.select([self.door.stdout], [], [], 60 * PATIENCE)[0]
            port = self.door.stdout.readline().decode().strip() if ready else ""
            if not port:
                raise Trouble("the laptop gets no address from the box")
            self.node = subprocess.Popen(["node", f"{TOP}/tests/web/demo.mjs", f"https://127.0.0.1:{port}/", pictures], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=end_with_me)
        except (Trouble, OSError) as trouble:
            self.trouble.append(str(trouble))

    def ask(self, *words):
        """Asks for something and does not wait."""
        if self.trouble:
            return
        try:
            self.node.stdin.write(" ".join(words).encode() + b"\n")
            self.node.stdin.flush()
            self.waiting.append((words[0], time.monotonic() + self.SECONDS * PATIENCE))
        except OSError:
            self.trouble.append(f"{words[0]}: the browser is gone")

    def poll(self, seconds=0):
        """Takes the answers that have come."""
        while self.waiting and not self.trouble:
            if not select.select([self.node.stdout], [], [], seconds)[0]:
                if time.monotonic() > self.waiting[0][1]:
                    self.trouble.append(f"{self.waiting[0][0]}: no answer within {self.SECONDS * PATIENCE:.0f} s")
                return
            self.text += os.read(self.node.stdout.fileno(), 65536) or b'{"word":"","ok":false,"why":"the browser ended"}\n'
            *lines, self.text = self.text.split(b"\n")
            for answer in map(json.loads, lines):
                self.waiting.pop(0)
                if not answer["ok"]:
                    self.trouble.append(f"{answer['word']}: {answer['why']}")

    def do(self, *words):
        """The same, and waits."""
        self.ask(*words)
        while self.waiting and not self.trouble:
            self.poll(1)

    def close(self):
        for process in (self.node, self.door):
            if process:
                process.kill()
                process.wait()

    def begin(self):
        """Before the first machine is switched on: a password, the image, and a session that takes them all."""
        code = re.search(self.CODE, self.lab.box.said())
        if not code:
            self.trouble.append("the box's serial line shows no set-up code")
            return
        for words in (("setup", code[1]), ("library", "debian"), ("start", "debian")):
            self.do(*words)

    def told(self):
        if not self.trouble:
            return "  page  set up with the code on the serial line, a session armed by holding the button, the room watched, the report read"
        red = ("\033[31m", "\033[0m") if sys.stdout.isatty() else ("", "")
        return f"  {red[0]}page  FAILED: {self.trouble[0]}{red[1]}"


def partitions(disk):
    """(name, start, size) in bytes, as the disk's own table says."""
    table = json.loads(tool("sfdisk", "-J", disk))["partitiontable"]
    unit = table.get("sectorsize", 512)
    return [(p.get("name", "partition"), p["start"] * unit, p["size"] * unit) for p in table["partitions"]]


def digests(disk):
    """One SHA-256 a partition, holes read as what they are."""
    sums = {}
    with open(disk, "rb") as file:
        for name, start, size in partitions(disk):
            h = hashlib.sha256()
            file.seek(start)
            for at in range(0, size, MIB):
                h.update(file.read(min(MIB, size - at)))
            sums[name] = h.hexdigest()
    return sums


def fsck(disk, folder):
    """Is the root file system whole? e2fsck reads it where it is."""
    for name, start, size in partitions(disk):
        if name == "root":
            part = f"{folder}/root.part"
            tool("dd", f"if={disk}", f"of={part}", "bs=1M", "iflag=skip_bytes,count_bytes", f"skip={start}", f"count={size}",
                 "conv=sparse", "status=none")
            # The journal of a disk that was switched off cleanly is empty: -n would refuse to replay one.
            out = tool("e2fsck", "-fn", part)
            os.unlink(part)
            return out.strip().splitlines()[-1]
    raise Trouble(f"{disk}: no partition is called root")


@dataclasses.dataclass
class Step:
    """A state of a target: its name, how it is known to be reached, and the seconds it may take to get there."""
    name: str
    reached: object
    seconds: int


class Target(Machine):
    """A machine that is to be imaged, and what is known about it so far."""

    def __init__(self, lab, kind, number):
        disk = f"{lab.folder}/{kind}.img"
        with open(disk, "wb") as file:
            file.truncate(lab.target_size)
        super().__init__(lab.folder, kind, kind, number, disk, niceness=5)
        self.lab, self.at, self.log, self.since = lab, 0, [], time.monotonic()
        self.failure = self.compared = self.login = self.clean = None
        self.debian_from = 0
        self.steps = [
            Step("firmware asks for an address", lambda: lab.port(kind)["sent"].get("dhcp", 0) > 0, 120),
            Step("loads the receiver", lambda: lab.port(kind)["received"]["bytes"] > MIB, 120),
            Step("receiver runs", lambda: re.search(lab.RECEIVER, self.said(), re.M), 120),
            Step("imaging", lambda: self.percent() is not None, 90),
            Step("half imaged", lambda: self.percent() >= 50, 450),
            Step("PASS", lambda: re.search(lab.PASS, self.said(), re.M), 450),
            Step("restarts", self.restarts, 60),
            Step("disk compared", self.compare, 60),
            Step("starts from its own disk", self.own_disk, 420),
            Step("login", lambda: re.search(r"^ringcast-demo login: *$", self.after(), re.M), 300),
            Step("root looked round", self.look_round, 120),
            Step("off", lambda: self.held() and not self.restarts(), 120),
            Step("file system checked", self.check, 60),
        ]

    def after(self):
        """What it said since its disk was compared."""
        return self.said()[self.debian_from:]

    def percent(self):
        found = re.findall(self.lab.PERCENT, self.said(), re.M)
        return int(found[-1]) if found else None

    def compare(self):
        sums = digests(self.disk)
        if sums != self.lab.source_sums:
            raise Trouble(f"{self.name}: the partitions on its disk are not the source's: {sums}")
        self.compared = sums
        self.debian_from = len(self.said())
        self.go_on()
        return True

    def own_disk(self):
        if "Linux version" not in self.after():
            return False
        self.hold_at_restart(True)
        return True

    def look_round(self):
        """Root logs in and says where he is. (The kernel may speak between any two words; what is typed before the shell has
        shown its prompt is lost.)"""
        said = self.chat(("root\n", r":~# "), ("dmesg -n 1\n", r":~# "),
                         ("uname -r; findmnt -no SOURCE,FSTYPE /; cat /sys/class/dmi/id/product_name\n", r"lab-\w+\n[^#]*:~# "),
                         ("poweroff\n", r"poweroff"), seconds=110)
        found = re.search(r"^(\S+)\n(/dev/\S+) +(\S+)\nlab-(\w+)$", said, re.M)
        if not found or found[4] != self.kind:
            raise Trouble(f"{self.name}: root's shell said {said[-300:]!r}")
        self.login = found.groups()
        return True

    def check(self):
        self.clean = fsck(self.disk, self.folder)
        return True

    def done(self):
        return self.at == len(self.steps) or self.failure is not None

    def poll(self):
        """One look: has the next state been reached?"""
        if self.done():
            return False
        step = self.steps[self.at]
        try:
            self.alive()
            if step.name not in ("restarts", "disk compared", "off", "file system checked") and self.held():
                raise Trouble(f"{self.name} restarted before: {step.name}")
            failed = re.search(self.lab.FAIL, self.said(), re.M)
            if failed and not self.compared:
                raise Trouble(f"{self.name}: {failed[0]}")
            if step.reached():
                self.log.append((step.name, time.monotonic() - self.since))
                self.picture(step.name)
                self.at += 1
                self.since = time.monotonic()
                return True
            if time.monotonic() - self.since > step.seconds * PATIENCE:
                raise Trouble(f"{self.name}: {step.name}: not within {step.seconds * PATIENCE:.0f} s; "
                              f"last words: {self.said().strip()[-200:]!r}")
        except (Trouble, OSError, ValueError) as trouble:
            self.failure = str(trouble)
            self.picture("trouble")
            return True
        return False

    PICTURES = {"firmware asks for an address": "1-netboot", "half imaged": "2-imaging", "PASS": "3-pass", "login": "4-login",
                "trouble": "trouble"}

    def picture(self, step):
        if step in self.PICTURES:
            with contextlib.suppress(Trouble, OSError):
                self.screen(f"{self.lab.pictures}/{self.name}-{self.PICTURES[step]}.png")

    def words(self):
        """Where it is now, in a few words."""
        if self.failure:
            return f"FAILED: {self.failure}"
        if self.at == len(self.steps):
            return "done"
        last = self.steps[self.at - 1].name if self.at else "power on"
        return f"imaging {self.percent()} %" if last in ("imaging", "half imaged") else last


class Lab:
    # What the box and the receiver say on their serial lines.
    READY = r" is up on \S+ as "
    RECEIVER = r"^Ringcast$"
    PERCENT = r"^ *(\d+) %"
    PASS = r"^\*\*\* PASS \*\*\*"
    FAIL = r"^\*\*\* FAIL \*\*\*\n.*"
    session = "\n[session]\nstart = now\n"  # in the box's ringcast.conf, where nobody arms one on the page

    def __init__(self, pictures, say):
        self.pictures, self.say = pictures, say
        self.folder = tempfile.mkdtemp(prefix="ringcast-lab.", dir="/tmp")  # sockets want short paths
        self.box = self.switch = None
        self.targets = []
        os.makedirs(pictures, exist_ok=True)

    def source(self, disk, ring):
        """The disk that is given out, and the same packed."""
        self.disk, self.ring = disk, ring
        self.source_sums = digests(disk)
        # A target's disk is a little larger than the source: the second partition table has to move.
        self.target_size = os.path.getsize(disk) + 200 * MIB

    def make_box_disk(self, rate):
        """The flashable image on a larger disk, as dd leaves it, with the packed disk dropped into its FAT partition."""
        disk = f"{self.folder}/box.img"
        tool("cp", "--sparse=always", IMAGE, disk)
        os.truncate(disk, max(os.path.getsize(disk), 1024 * MIB))
        start = partitions(disk)[0][1]
        fat = f"{disk}@@{start}"
        conf = f"{self.folder}/ringcast.conf"
        tool("mcopy", "-n", "-i", fat, "::/ringcast.conf", conf)
        text = read(conf)
        with open(conf, "w") as file:
            file.write(configured(text, rate) + self.session)
        tool("mcopy", "-o", "-i", fat, conf, "::/ringcast.conf")
        tool("mcopy", "-o", "-i", fat, self.ring, "::/images/debian.ring")
        return disk

    def start_box(self, rate, ports, firmware="uefi"):
        self.switch = Switch(self.folder, ["box", "laptop", *ports], pcap=True)
        self.box = Machine(self.folder, "box", firmware, 1, self.make_box_disk(rate), net_first=False)
        began = time.monotonic()
        self.box.start()
        self.wait(lambda: re.search(self.READY, self.box.said()), 120, "the box is ready")
        return time.monotonic() - began

    def wait(self, what, seconds, words):
        end = time.monotonic() + seconds * PATIENCE
        while not what():
            self.box.alive()
            if self.box.held():
                raise Trouble(f"the box restarted; last words: {self.box.said().strip()[-300:]!r}")
            if time.monotonic() > end:
                raise Trouble(f"{words}: not within {seconds * PATIENCE:.0f} s; last words: {self.box.said().strip()[-300:]!r}")
            time.sleep(0.2)

    def port(self, name):
        return self.switch.ask("stats")["ports"][name]

    def start_targets(self, kinds):
        self.targets = [Target(self, kind, 0x10 + i) for i, kind in enumerate(kinds)]
        for target in self.targets:
            target.start()

    def run(self, show):
        """Until every target is done; `show` is called at every change, and now and then."""
        while not all(t.done() for t in self.targets):
            self.box.alive()
            if self.box.held():
                raise Trouble(f"the box restarted; last words: {self.box.said().strip()[-300:]!r}")
            for target in self.targets:
                if target.poll() and target.done():
                    target.stop()
            show()
            time.sleep(0.3)

    def close(self):
        for machine in [*self.targets, self.box]:
            if machine:
                machine.stop()
        if self.switch:
            with contextlib.suppress(OSError, Trouble, ValueError):
                self.switch.ask("quit")
            self.switch.process.kill()
            self.switch.process.wait()
        for log in glob.glob(f"{self.folder}/*.serial") + glob.glob(f"{self.folder}/switch.log"):
            shutil.copy(log, self.pictures)
        if os.environ.get("LAB_KEEP"):
            self.say(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def configured(text, rate):
    """The box's commented configuration with the ring's rate set."""
    text, n = re.subn(r"(?m)^[#; ]*rate *=.*$", f"rate = {rate}", text, count=1)
    return text if n else f"{text.rstrip()}\n\n[ring]\nrate = {rate}\n"


def needs(*things):
    for thing in things:
        if not (os.path.exists(thing) if "/" in thing else shutil.which(thing)):
            raise FileNotFoundError(f"{thing} is not there")


def the_source(folder, say):
    """The small Debian disk and its packed form, both kept in `folder`."""
    disk = os.environ.get("LAB_DISK", f"{folder}/debian.img")
    ring = os.environ.get("LAB_RING", f"{folder}/debian.ring")
    os.makedirs(folder, exist_ok=True)
    if "LAB_DISK" not in os.environ:
        tool(f"{TOP}/tools/mkdisk", "--light", disk)
    if "LAB_RING" not in os.environ:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ring)
        tool(RINGCAST, "pack", disk, "-o", ring, "--unsigned", "--name", "debian")
    say(f"{os.path.relpath(disk)}: {os.path.getsize(disk) // MIB} MiB of disk; packed {os.path.getsize(ring) / 1e6:.0f} MB")
    return disk, ring


class Display:
    """One line a target: redrawn in place on a terminal, else printed when it changes."""

    def __init__(self, lab):
        self.lab, self.shown, self.began = lab, {}, time.monotonic()

    def show(self):
        lines = {t.name: f"  {t.name:5} {t.words()}"[:150] for t in self.lab.targets}
        if sys.stdout.isatty():
            if self.shown:
                print(f"\033[{len(lines)}A", end="")
            for line in lines.values():
                print(f"{line[:110]}\033[K")
            self.shown = lines
            return
        for name, line in lines.items():
            coarse = re.sub(r"\d( %)", r"0\1", line)
            if coarse != self.shown.get(name):
                self.shown[name] = coarse
                print(f"{time.monotonic() - self.began:6.0f} s {line}", flush=True)


def report(lab):
    """The last lines: what each machine went through, and the proof. Returns how many failed."""
    for t in lab.targets:
        if t.failure:
            print(f"  {t.name:5} FAILED after {t.log[-1][0] if t.log else 'power on'}: {t.failure}")
            continue
        times = dict(t.log)
        print(f"  {t.name:5} PASS; partitions hash like the source; login of Debian ({t.login[0]}) on {t.login[1]} "
              f"({t.login[2]}), fsck clean; imaging {times['half imaged'] + times['PASS']:.0f} s, "
              f"power on to login {sum(times.values()):.0f} s")
    return sum(t.failure is not None for t in lab.targets)


def switched_on(lab, kinds, headline, before=lambda: None):
    """The disk is there, the box is up, the targets are on. `before`: what is done before the targets are."""
    needs("qemu-system-x86_64", f"{OVMF}/OVMF_CODE_4M.fd", "sfdisk", "mcopy", "e2fsck", IMAGE, SWITCH, RINGCAST)
    rate = os.environ.get("LAB_RATE", "20Mbit")
    headline("A Debian disk, packed")
    lab.source(*the_source(f"{TOP}/build/demo", print))
    headline(f"The box starts from {os.path.basename(IMAGE)}, its ring at {rate}")
    print(f"  ready after {lab.start_box(rate, kinds):.0f} s, {BOX_ADDRESS}", flush=True)
    before()
    headline(f"{len(kinds)} machines with blank disks are switched on")
    lab.start_targets(kinds)


def stay(kinds, pictures, headline):
    """The room as long as somebody wants it: machines that restart do so, and those that are switched off stay so."""
    lab = Lab(pictures, print)
    try:
        switched_on(lab, kinds, headline)
        print(f"Serial lines: {lab.folder}/NAME.serial to read, socat - UNIX:{lab.folder}/NAME.tty to type (names: box "
              f"{' '.join(kinds)}); the switch: socat - UNIX:{lab.folder}/control. Ctrl-C ends it.", flush=True)
        for machine in (lab.box, *lab.targets):
            machine.hold_at_restart(False)
        while True:
            lab.box.alive()
            time.sleep(1)
    finally:
        lab.close()


def story(kinds, pictures, headline, with_page=False):
    """Box and targets from power on to the login; returns how many targets failed, and the page with them."""
    lab, browser = Lab(pictures, print), None

    def open_page():
        nonlocal browser
        headline("A laptop on the switch opens the box's page")
        browser = Browser(lab, pictures)
        browser.begin()
        if browser.trouble:
            raise Trouble(f"no session is armed, so nothing would be imaged: {browser.trouble[0]}")
        print("  set up, image seen, session armed", flush=True)

    if with_page:
        lab.session = ""
    try:
        switched_on(lab, kinds, headline, open_page if with_page else lambda: None)
        display, shown = Display(lab), set()

        def show():
            display.show()
            if browser:
                watch(lab, browser, shown)
        lab.run(show)
        if browser:
            browser.do("shot", "6-done", "pass")
            browser.do("report", "7-report")
        lab.box.screen(f"{pictures}/box.png")
        with open(f"{pictures}/switch.json", "w") as file:
            json.dump(lab.switch.ask("stats"), file, indent=1)
        headline("The proof")
        for name, digest in lab.source_sums.items():
            print(f"  source {name} {digest}")
        failed = report(lab)
        if browser:
            print(browser.told())
        return failed + (browser is not None and bool(browser.trouble))
    finally:
        if browser:
            browser.close()
        lab.close()


def full_room(pictures, headline):
    """Two hundred simulated machines at the same program in network namespaces, with pictures of its page. Returns whether that failed."""
    headline("A full room: 200 simulated machines at the same program, in network namespaces")
    command = ["bash", f"{TOP}/tests/e2e/room_page.sh", f"{pictures}/room"]
    shutil.rmtree(command[-1], ignore_errors=True)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "PATIENCE": str(PATIENCE)}) as act:
        try:
            said = act.communicate()[0].strip()
        except BaseException:
            act.terminate()  # it takes its namespaces along
            raise
    words = " ".join(re.findall(r"room_page\.sh: (.*)", said)[-1:])
    if act.returncode == 0:
        print(f"  {words}")
    else:
        print(f"  no pictures: {words}" if act.returncode == SKIP else re.sub(r"(?m)^", "  | ", said))
    return act.returncode not in (0, SKIP)


def watch(lab, browser, shown):
    """Pictures of the room while it is imaged, and of the first that is done."""
    reached = {name for t in lab.targets for name, _ in t.log}
    for step, shot in (("half imaged", ("4-running",)), ("PASS", ("5-first-pass", "pass"))):
        if step in reached and step not in shown:
            shown.add(step)
            browser.ask("shot", *shot)
    browser.poll()


def on_signal(number, _):
    sys.exit(128 + number)


def main():
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    words = sys.argv[1:]
    if not words or words[0] not in ("demo", "test", "run") or set(words[1:]) - set(Machine.DISK):
        sys.exit(__doc__)
    bold = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    try:
        if words[0] == "demo":
            pictures, headline = f"{TOP}/build/demo", lambda s: print(f"\n{bold[0]}== {s}{bold[1]}", flush=True)
            failed = story(words[1:] or ["bios", "uefi", "http"], pictures, headline, with_page=True)
            failed += full_room(pictures, headline)
            print(f"\nScreens: {' '.join(sorted(os.path.relpath(p) for p in glob.glob(f'{pictures}/*.png')))}")
            print(f"A full room: {' '.join(sorted(os.path.relpath(p) for p in glob.glob(f'{pictures}/room/*.png')))}")
        elif words[0] == "run":
            failed = stay(words[1:] or ["bios"], f"{TOP}/build/demo/run", lambda s: print(f"== {s}", flush=True))
        else:
            failed = story(words[1:] or ["bios", "uefi"], os.environ.get("TMPDIR", f"{TOP}/build/demo/test"), lambda s: print(f"== {s}", flush=True))
    except FileNotFoundError as missing:
        print(f"skip: {missing}")
        sys.exit(SKIP)
    except Trouble as trouble:
        print(f"FAILED: {trouble}")
        sys.exit(1)
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
