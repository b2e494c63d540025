#!/usr/bin/env python3
"""tests/boot/page.py QMP-SOCKET SECONDS   waits until the screen of a QEMU machine shows a page of board/screen/draw.c

A page is told by its ground: at least half of the picture has one of the pages' four colours (16-bit screens round them), and
letters stand on it. Prints the size and the colour; exit code 1 when none appears in time."""
import collections
import json
import os
import socket
import sys
import tempfile
import time

GROUNDS = {"dark": (0x10, 0x18, 0x20), "green": (0x00, 0x6B, 0x2B), "red": (0xA0, 0x00, 0x10), "yellow": (0xE8, 0xB8, 0x00)}
ROUNDING = 8


class Machine:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "event" not in answer:
                return answer

    def screen(self):
        """Width, height and the pixels as bytes: red, green, blue."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "screen.ppm")
            self.ask("screendump", filename=path)
            with open(path, "rb") as file:
                data = file.read()
        _, width, height, _ = data.split(maxsplit=4)[:4]
        return int(width), int(height), data[-3 * int(width) * int(height):]


def ground_of(pixels):
    """The page's name when the picture is one."""
    colours = collections.Counter(zip(pixels[::3], pixels[1::3], pixels[2::3]))
    colour, count = colours.most_common(1)[0]
    for name, ground in GROUNDS.items():
        if max(abs(a - b) for a, b in zip(colour, ground)) < ROUNDING and len(colours) > 1 and 6 * count > len(pixels):
            return name
    return None


def main():
    machine, end = Machine(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        width, height, pixels = machine.screen()
        name = ground_of(pixels)
        if name:
            print(f"{width}x{height}, {name}")
            return
        time.sleep(1)
    sys.exit("expected a page on the screen, got none")


main()
