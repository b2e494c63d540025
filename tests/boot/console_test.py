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

    line, heard = None, b""

    def open_line(self):
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{self.folder}/{self.name}.tty")
        line.setblocking(False)
        self.line = line

    def said(self):
        """From the line itself once it is open: QEMU's log has bytes twice when the reader was slow."""
        if not self.line:
            return super().said()
        with contextlib.suppress(BlockingIOError):
            while part := self.line.recv(65536):
                self.heard += part
        return lab.plain(self.heard.decode(errors="replace"))

    def type(self, text):
        self.line.sendall(text.encode())

    def press(self, key):
        self.qmp.do("send-key", keys=[{"type": "qcode", "data": key}])

    def confirm(self, key):
        """Both at once: on a slow machine the question reaches the serial port when its ten seconds are over."""
        self.press(key)
        self.press("y")

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


def expect_code(box, text):
    """The picture has a QR code that a foreign reader reads."""
    if not shutil.which("zbarimg"):
        return
    end, got = time.monotonic() + SECONDS, ""
    while got != text:
        if time.monotonic() > end:
            raise lab.Trouble(f"expected a code that says {text!r} on the screen, got {got!r}")
        box.picture()
        got = subprocess.run(["zbarimg", "-q", "--raw", f"{box.folder}/screen.ppm"], capture_output=True, text=True).stdout.strip()
    print(f"zbarimg reads {text} from the screen")


def talk(box):
    box.expect("is up on")
    box.open_line()
    box.type("\x13")  # control S, or noise: what is written goes on
    box.expect(r"machines +0 passed(.|\n)*1 status 2 machines 3 log", lambda: box.type("1"))
    box.expect(r"0 machines(.|\n)*1 status 2 machines 3 log", lambda: box.type("2"))
    box.expect(r"is up on(.|\n)*1 status 2 machines 3 log", lambda: box.type("3"))
    box.expect(r"address +10\.77\.0\.1", lambda: box.type("\x1bOS"))
    before = box.picture()
    box.expect(r"is up on(.|\n)*1 status 2 machines 3 log", lambda: box.press("f3"))
    box.expect_picture_other_than(before)
    print("pages on both")
    box.press("f4")
    expect_code(box, "https://10.77.0.1/")
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
    box.expect(r"set-up code +\S+", lambda: box.type("4"))
    code = re.findall(r"set-up code +(\S+)", box.said())[-1]
    box.expect("the page's password is forgotten", lambda: box.confirm("r"))
    box.expect(r"set-up code +\S+", lambda: box.type("4"))
    if re.findall(r"set-up code +(\S+)", box.said())[-1] == code:
        raise lab.Trouble("expected another set-up code after the password was forgotten, got the same")
    print("the password is forgotten when told so twice")
    # The kernel may cut the box's own last line off.
    box.expect("starting again, as somebody at the box wants|reboot: Restarting system", lambda: box.confirm("b"))
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
