#!/usr/bin/env python3
"""USB sticks at the box while it runs, as a person plugs them in and pulls them out: FAT that is there at the start, exFAT that is pulled out
in the middle of a copy, ext4 without a partition table, and one that nobody formatted. Images are copied over the API by a laptop on the switch;
of a copy whose stick is gone nothing stays, and the box goes on."""
import http.client
import json
import os
import re
import select
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import zlib

import lab

SECONDS = 100 * lab.PATIENCE  # for one thing to happen
MIB = lab.MIB


# ---- sticks ----

def rotated(total, byte):
    """exFAT's sum over bytes."""
    return (total << 15 | total >> 1) + byte & 0xFFFF


def exfat_with(path, name, size):
    """A file of zeros, in one piece, into the root of a fresh exFAT: its three entries behind those that mkfs made, and the bits of its
    clusters."""
    with open(path, "r+b") as disk:
        boot = disk.read(512)
        heap, root = int.from_bytes(boot[88:92], "little"), int.from_bytes(boot[96:100], "little")
        sector, cluster = 1 << boot[108], 1 << boot[108] << boot[109]
        at = heap * sector + (root - 2) * cluster
        disk.seek(at)
        entries = disk.read(cluster)
        end = next(i for i in range(0, cluster, 32) if entries[i] == 0)
        first = root + 1  # mkfs puts bitmap, table of letters and root at the heap's beginning
        key = total = 0
        for byte in name.upper().encode("utf-16-le"):
            key = rotated(key, byte)
        stream = bytes([0xC0, 3, 0, len(name)]) + key.to_bytes(2, "little") + bytes(2) + size.to_bytes(8, "little") + bytes(4) + first.to_bytes(4, "little") + \
            size.to_bytes(8, "little")
        letters = bytes([0xC1, 0]) + name.encode("utf-16-le").ljust(30, b"\0")
        file = bytearray(bytes([0x85, 2, 0, 0, 0x20]).ljust(32, b"\0"))
        for i, byte in enumerate(bytes(file) + stream + letters):
            if i not in (2, 3):
                total = rotated(total, byte)
        file[2:4] = total.to_bytes(2, "little")
        disk.seek(at + end)
        disk.write(bytes(file) + stream + letters)
        bitmap = next(entries[i:i + 32] for i in range(0, cluster, 32) if entries[i] == 0x81)
        at, n = heap * sector + (int.from_bytes(bitmap[20:24], "little") - 2) * cluster, int.from_bytes(bitmap[24:32], "little")
        disk.seek(at)
        bits = int.from_bytes(disk.read(n), "little") | (1 << -(-size // cluster)) - 1 << first - 2
        disk.seek(at)
        disk.write(bits.to_bytes(n, "little"))


def partitioned(path, fill, size, kind):
    """A disk with one partition from its first MiB on, made by `fill` as a file."""
    part = f"{path}.part"
    with open(part, "wb") as file:
        file.truncate(size)
    fill(part)
    with open(path, "wb") as file:
        file.truncate(size + 2 * MIB)
    subprocess.run(["sfdisk", "-q", path], input=f"start=2048, size={size // 512}, type={kind}\n", text=True, check=True)
    lab.tool("dd", f"if={part}", f"of={path}", "bs=1M", "seek=1", "conv=notrunc,sparse", "status=none")
    os.unlink(part)


def make_sticks(folder):
    """fat, exfat, ext4 and blank; returns the size of the packed image."""
    raw, ring, tree = f"{folder}/raw.img", f"{folder}/office.ring", f"{folder}/tree"
    with open(raw, "wb") as file:
        file.write(zlib.compress(b"", 0) + os.urandom(3 * MIB))
        file.truncate(8 * MIB)
    lab.tool(lab.RINGCAST, "pack", raw, "-o", ring, "--name", "office", "--level", "1", "--unsigned")

    def fat(part):
        lab.tool("mkfs.vfat", "-F", "32", "-n", "STICK", part)
        lab.tool("mmd", "-i", part, "::/images")
        lab.tool("mcopy", "-i", part, ring, "::/images/Office 2026.ring")

    def exfat(part):
        lab.tool("mkfs.exfat", "-L", "LARGE", part)
        exfat_with(part, "much.img", 400 * MIB)

    partitioned(f"{folder}/fat", fat, 64 * MIB, "c")
    partitioned(f"{folder}/exfat", exfat, 600 * MIB, "7")
    os.mkdir(tree)
    shutil.copyfile(raw, f"{tree}/raw.img")
    os.symlink("/etc/passwd", f"{tree}/link.img")
    lab.tool("mkfs.ext4", "-q", "-d", tree, f"{folder}/ext4", "32M")
    with open(f"{folder}/blank", "wb") as file:
        file.truncate(16 * MIB)


# ---- the box's API, by way of a laptop ----

class Api:
    def __init__(self, room):
        self.door = lab.background([lab.DOOR, f"{room.folder}/laptop", lab.BOX_ADDRESS, "443"], stdout=subprocess.PIPE)
        if not select.select([self.door.stdout], [], [], SECONDS)[0]:
            raise lab.Trouble("the laptop gets no address from the box")
        self.port = int(self.door.stdout.readline())
        self.headers = {"Content-Type": "application/json"}
        code = re.search(lab.Browser.CODE, room.box.said())
        if not code:
            raise lab.Trouble(f"no set-up code: {room.box.said()[-600:]!r}")
        answer, cookie = self.ask("POST", "setup", {"code": code[1], "password": "correct horse"}, True)
        self.headers.update({"X-Ringcast-CSRF": answer["csrf"], "Cookie": cookie.split(";")[0]})
        self.headers["Authorization"] = f"Bearer {self.ask('POST', 'tokens', {'name': 'test'})['token']}"
        del self.headers["Cookie"]

    def ask(self, method, path, body=None, cookie=False):
        context = ssl._create_unverified_context()
        line = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=SECONDS, context=context)
        try:
            line.request(method, f"/api/v1/{path}", json.dumps(body) if body else None, self.headers)
            answer = line.getresponse()
            text = answer.read().decode()
            if answer.status >= 400:
                raise lab.Trouble(f"{method} {path}: {answer.status} {text}")
            said = json.loads(text) if text else None
            return (said, answer.getheader("Set-Cookie")) if cookie else said
        finally:
            line.close()

    def until(self, words, look):
        end = time.monotonic() + SECONDS
        while not (got := look()):
            if time.monotonic() > end:
                raise lab.Trouble(f"expected {words}: sticks {self.ask('GET', 'sticks')}, uploads {self.ask('GET', 'uploads')}")
            time.sleep(0.3)
        return got

    def copy(self, path, name):
        return self.ask("POST", "imports", {"stick": 0, "path": path, "name": name})["id"]

    def upload(self, number):
        return self.ask("GET", f"uploads/{number}")

    def free(self):
        return self.ask("GET", "status")["box"]["data_free_bytes"]

    def close(self):
        self.door.kill()
        self.door.wait()


# ---- the room ----

class Room(lab.Lab):
    """A box with no images, and a USB controller whose first stick is plugged in."""

    SLOW = "exfat"

    def make_box_disk(self, rate):
        disk = f"{self.folder}/box.img"
        lab.tool("cp", "--sparse=always", lab.IMAGE, disk)
        os.truncate(disk, 1024 * MIB)
        return disk

    def machine(self, sticks):
        self.switch = lab.Switch(self.folder, ["box", "laptop"])
        self.box = lab.Machine(self.folder, "box", "bios", 1, self.make_box_disk(""), net_first=False)
        self.box.command += ["-device", "qemu-xhci,id=usb", "-object", "throttle-group,id=slow,x-bps-read=8000000"]
        for name in ("fat", "exfat", "ext4", "blank"):
            slow = name == self.SLOW
            below = f"{name}-file" if slow else name
            self.box.command += ["-blockdev", f"driver=raw,node-name={below},read-only=on,file.driver=file,file.filename={sticks}/{name}"]
            if slow:
                self.box.command += ["-blockdev", f"driver=throttle,node-name={name},throttle-group=slow,file={below},read-only=on"]
        self.box.command += ["-device", "usb-storage,id=fat,drive=fat,bus=usb.0,removable=on"]
        self.box.start()

    def said(self, pattern, at=0):
        self.wait(lambda: re.search(pattern, self.box.said()[at:]), 100, pattern)

    def plug(self, name):
        at = len(self.box.said())
        self.box.qmp.do("device_add", driver="usb-storage", id=name, drive=name, bus="usb.0", removable=True)
        return at

    def pull(self, name):
        at = len(self.box.said())
        self.box.qmp.do("device_del", id=name)
        self.said(r"stick 0 is gone", at)


def expect(words, want, got):
    if want != got:
        raise lab.Trouble(f"{words}: expected {want!r}, got {got!r}")


def ready(api, number, name):
    def over():
        state = api.upload(number)["state"]
        return state if state in ("ready", "bad", "failed") else None
    expect(f"{name} is copied", "ready", api.until(f"{name} to be copied", over))


def talk(room, api):
    room.said(r"stick 0 \(QEMU QEMU HARDDISK, sd.1\): 1 images: images/Office 2026\.ring")
    stick = api.until("a stick", lambda: api.ask("GET", "sticks"))[0]
    expect("its list", [("images/Office 2026.ring", "Office 2026")], [(f["path"], f["name"]) for f in stick["files"]])
    ready(api, api.copy("images/Office 2026.ring", "office"), "FAT")
    room.said("stick 0: office is copied; the stick may be pulled out")
    room.pull("fat")
    expect("no stick", [], api.ask("GET", "sticks"))
    print("from FAT, plugged in at the start; said when it may be pulled out")

    at = room.plug("exfat")
    room.said(r"1 images: much\.img", at)
    free = api.free()
    number = api.copy("much.img", "much")
    api.until("a copy under way", lambda: api.upload(number)["offset"] > 20 * MIB)
    room.pull("exfat")
    api.until("a copy that failed", lambda: api.upload(number)["state"] == "failed")
    cause = api.upload(number)["cause"]
    if "the stick does not give byte" not in cause:
        raise lab.Trouble(f"why it failed: {cause}")
    expect("the library", ["office"], [i["name"] for i in api.ask("GET", "images")])
    api.until("a disk with as much room as before", lambda: api.free() > free - 4 * MIB)
    print(f"exFAT, pulled out in the middle: {cause}")

    at = room.plug("ext4")
    room.said(r"\(QEMU QEMU HARDDISK, sd.\): 1 images: raw\.img", at)
    ready(api, api.copy("raw.img", "raw"), "ext4")
    expect("the library", ["office", "raw"], sorted(i["name"] for i in api.ask("GET", "images")))
    print("ext4 without a table, by the same box")

    at = room.plug("blank")
    room.said(r"stick 1 .*expected FAT32, exFAT or ext4, got another file system or none", at)
    expect("a cause", True, "NTFS is not read" in api.ask("GET", "sticks")[1]["cause"])
    print("what is on none of them is refused in words")


def main():
    pictures = os.environ.get("TMPDIR") or tempfile.mkdtemp()
    room = Room(pictures, print)
    api = None
    try:
        lab.needs("qemu-system-x86_64", "sfdisk", "mkfs.vfat", "mkfs.exfat", "mkfs.ext4", "mcopy", lab.IMAGE, lab.SWITCH, lab.DOOR, lab.RINGCAST)
        with tempfile.TemporaryDirectory(dir="/var/tmp") as sticks:
            make_sticks(sticks)
            room.machine(sticks)
            room.said(room.READY)
            api = Api(room)
            talk(room, api)
    except FileNotFoundError as missing:
        print(f"skip: {missing}")
        sys.exit(lab.SKIP)
    except lab.Trouble as trouble:
        sys.exit(f"FAILED: {trouble}")
    finally:
        if api:
            api.close()
        room.close()


if __name__ == "__main__":
    main()
