#!/usr/bin/env python3
"""Keys at the box, on its serial port and on a keyboard: pages are shown when asked for, and nothing but a key and its confirmation
ends anything. The picture of a page is another one than that of the page before."""
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import lab

SECONDS = 240 * lab.PATIENCE


class Box(lab.Machine):
    """The box alone, on a hub with nobody else."""

    def network(self, first):
        return ["-netdev", "hubport,id=n,hubid=0", "-netdev", "hubport,id=m,hubid=0",
                "-device", f"virtio-net-pci,netdev=n,mac={self.mac},romfile="]

    def open_line(self):
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(f"{self.folder}/{self.name}.tty")
        self.line.setblocking(False)

    def said(self):
        """From the log; a line that nobody reads stands still."""
        with contextlib.suppress(BlockingIOError, AttributeError):
            while self.line.recv(65536):
                pass
        return super().said()

    def type(self, text):
        self.line.sendall(text.encode())

    def press(self, key):
        self.qmp.do("send-key", keys=[{"type": "qcode", "data": key}])

    def picture(self):
        path = f"{self.folder}/screen.ppm"
        self.qmp.do("screendump", filename=path)
        with open(path, "rb") as file:
            return file.read()

    def expect(self, pattern, act=lambda: None):
        """What the serial port says after act()."""
        at, end = len(self.said()), time.monotonic() + SECONDS
        act()
        while not re.search(pattern, self.said()[at:]):
            self.alive()
            if time.monotonic() > end:
                raise lab.Trouble(f"expected {pattern!r}, got {self.said()[at:][-600:]!r}")
            time.sleep(0.1)

    def expect_picture_other_than(self, before):
        end = time.monotonic() + SECONDS
        while self.picture() == before:
            if time.monotonic() > end:
                raise lab.Trouble("expected another picture after a key, got the same")
            time.sleep(0.2)


def talk(box):
    box.expect("is up on")
    box.open_line()
    box.expect(r"machines +0 passed(.|\n)*1 status 2 machines 3 log", lambda: box.type("1"))
    box.expect(r"is up on(.|\n)*1 status 2 machines 3 log", lambda: box.type("3"))
    box.expect(r"address +10\.77\.0\.1", lambda: box.type("\x1bOS"))
    before = box.picture()
    box.expect(r"is up on(.|\n)*1 status 2 machines 3 log", lambda: box.press("f3"))
    box.expect_picture_other_than(before)
    print("pages on both")
    box.expect("Switch the box off", lambda: box.type("p"))
    box.type("n")
    box.type("y")
    box.expect("Start the box again", lambda: box.press("b"))
    box.expect("Forget the password", lambda: box.press("r"))
    box.press("x")
    box.press("y")
    time.sleep(3)
    if box.held():
        raise lab.Trouble("expected a box that goes on, because nothing was confirmed")
    print("nothing without a confirmation")
    box.expect("Start the box again", lambda: box.press("b"))
    box.expect("starting again, as somebody at the box wants", lambda: box.press("y"))
    end = time.monotonic() + SECONDS
    while not box.held():
        if time.monotonic() > end:
            raise lab.Trouble("expected the box to start again")
        time.sleep(0.2)
    print("started again when told so twice" if box.restarts() else sys.exit("expected a restart, got another end"))


def main():
    if not shutil.which("qemu-system-x86_64") or not os.path.exists(lab.IMAGE):
        print("QEMU or the image is not there: make image")
        sys.exit(lab.SKIP)
    folder = os.environ.get("TMPDIR") or tempfile.mkdtemp()
    disk = f"{folder}/disk"
    subprocess.run(["cp", "--sparse=always", lab.IMAGE, disk], check=True)
    os.truncate(disk, 1 << 30)
    box = Box(folder, "box", "bios", 1, disk, net_first=False)
    try:
        box.start()
        talk(box)
    except lab.Trouble as trouble:
        sys.exit(str(trouble))
    finally:
        box.stop()
        os.unlink(disk)


if __name__ == "__main__":
    main()
