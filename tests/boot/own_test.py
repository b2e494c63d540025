#!/usr/bin/env python3
"""A machine's own, by the kernel's own drivers: a target that is imaged in a virtual machine has the host name of its line in machines.csv in its
ext4 root and a file of its own on its FAT partition, and waited for the session that ringcast.conf plans. Everything else on
its disk is the source's."""
import os
import re
import subprocess
import sys
import tempfile

import lab

KIND = "bios"
HOST = "desk-7"
MOTD = "Only for this machine.\n"
NOTE = "on the partition that firmware reads\n"


class Room(lab.Lab):
    """With a list, a session that waits for one machine, and files of its own."""

    session = "\n[session]\nstart = ready 1\ntargets = expected\n"

    def make_box_disk(self, rate):
        disk = super().make_box_disk(rate)
        fat = f"{disk}@@{lab.partitions(disk)[0][1]}"
        mac = "52:49:4e:47:77:10"
        own = f"::/personal/{mac.replace(':', '-')}"
        for name, text in {"machines.csv": f"MAC;name;asset;position;image;host name\n{mac};Desk 7;;;;{HOST}\n",
                           "motd": MOTD, "note": NOTE}.items():
            with open(f"{self.folder}/{name}", "w") as file:
                file.write(text)
        for folder in "::/personal", own, f"{own}/ext4", f"{own}/ext4/etc", f"{own}/fat", f"{own}/fat/lab":
            lab.tool("mmd", "-i", fat, folder)
        for name, to in {"machines.csv": "::/machines.csv", "motd": f"{own}/ext4/etc/motd",
                         "note": f"{own}/fat/lab/note.txt"}.items():
            lab.tool("mcopy", "-o", "-i", fat, f"{self.folder}/{name}", to)
        return disk


def expect(what, want, got):
    if want != got:
        raise lab.Trouble(f"{what}: expected {want!r}, got {got!r}")


def check(target):
    """What lies on its disk now."""
    parts = lab.partitions(target.disk)
    fat, root = parts[0][1], parts[1][1]
    where = f"{target.disk}?offset={root}"
    expect("the host name", f"{HOST}\n", lab.tool("debugfs", "-R", "cat /etc/hostname", where))
    expect("a file in ext4", MOTD, lab.tool("debugfs", "-R", "cat /etc/motd", where))
    expect("a file in FAT", NOTE, lab.tool("mtype", "-i", f"{target.disk}@@{fat}", "::/lab/note.txt"))
    checked = subprocess.run(["e2fsck", "-fn", where], capture_output=True, text=True)
    expect("e2fsck", 0, checked.returncode)


def small_source(folder):
    """A made-up disk with an ESP and an ext4 root, and the same packed."""
    disk = f"{folder}/source.img"
    lab.tool(f"{lab.TOP}/tools/mkdisk", "--small", disk)
    lab.tool(lab.RINGCAST, "pack", disk, "-o", f"{folder}/source.ring", "--name", "debian", "--level", "1", "--unsigned")
    return disk, f"{folder}/source.ring"


def story(folder):
    room = Room(os.environ.get("TMPDIR", folder), print)
    try:
        lab.needs("qemu-system-x86_64", f"{lab.OVMF}/OVMF_CODE_4M.fd", "sfdisk", "mcopy", "debugfs", lab.IMAGE, lab.SWITCH, lab.RINGCAST)
        room.source(*small_source(folder))
        room.start_box("20Mbit", [KIND])
        if "1 machines are expected" not in room.box.said():
            raise lab.Trouble(f"the list is not read: {room.box.said()[-600:]}")
        room.start_targets([KIND])
        target = room.targets[0]
        last = [step.name for step in target.steps].index("restarts")
        target.steps = target.steps[:last + 1]
        room.run(lambda: None)
        if target.failure:
            raise lab.Trouble(target.failure)
        if not re.search(r"session 1 is running: debian: ", room.box.said()):
            raise lab.Trouble(f"no session: {room.box.said()[-600:]}")
        check(target)
        print(f"host name, ext4 and FAT of {KIND}; power on to PASS in {sum(seconds for _, seconds in target.log):.0f} s")
    finally:
        room.close()


def main():
    try:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            story(folder)
    except FileNotFoundError as missing:
        print(f"skip: {missing}")
        sys.exit(lab.SKIP)
    except lab.Trouble as trouble:
        print(f"FAILED: {trouble}")
        sys.exit(1)


if __name__ == "__main__":
    main()
