#!/usr/bin/env python3
"""What the image tests need beside the programs under test.

image_tool.py make KIND BYTES FILE      a file of random | zero | sparse | text | mixed content, the same every time
image_tool.py fill FILE                 every byte 0xA5
image_tool.py same-but-free FS COPY     the ext file system FS and its restored COPY are equal where dumpe2fs calls
                                        blocks used, and COPY is zero where it calls them free; prints the free blocks
image_tool.py same-json A B             two JSON documents say the same
image_tool.py flip FILE OFFSET BIT
"""
import json
import random
import re
import subprocess
import sys

PIECE = 131072


def make(kind, size, path):
    chance = random.Random(f"{kind}{size}")
    with open(path, "wb") as f:
        f.truncate(size)
        for at in range(0, size, PIECE):
            n = min(PIECE, size - at)
            what = kind
            if kind in ("mixed", "sparse"):
                what = chance.choice(["random", "zero", "hole", "text"] if kind == "mixed" else ["hole", "hole", "text"])
            if what == "hole":
                continue
            f.seek(at)
            if what == "random":
                f.write(chance.randbytes(n))
            elif what == "zero":
                f.write(bytes(n))
            else:
                words = [b"%x " % chance.randrange(1 << 12) for _ in range(200)]
                f.write(b"".join(chance.choice(words) for _ in range(n))[:n])


def fill(path):
    with open(path, "r+b") as f:
        size = f.seek(0, 2)
        f.seek(0)
        for at in range(0, size, 1 << 20):
            f.write(b"\xa5" * min(1 << 20, size - at))


def free_blocks(fs):
    """Block size, and the set of blocks that dumpe2fs lists as free."""
    text = subprocess.run(["dumpe2fs", fs], capture_output=True, text=True, check=True).stdout
    size = int(re.search(r"^Block size: +(\d+)", text, re.M).group(1))
    free = set()
    for line in re.findall(r"^  Free blocks: (.*)$", text, re.M):
        for span in filter(None, line.replace(" ", "").split(",")):
            low, _, high = span.partition("-")
            free.update(range(int(low), int(high or low) + 1))
    return size, free


def same_but_free(fs, copy):
    size, free = free_blocks(fs)
    with open(fs, "rb") as a, open(copy, "rb") as b:
        number = 0
        while True:
            x, y = a.read(size), b.read(size)
            if len(x) != len(y):
                sys.exit("the copy has another length")
            if not x:
                break
            if number in free and any(y):
                sys.exit(f"block {number} is free and was packed")
            if number not in free and x != y:
                sys.exit(f"block {number} is used and came back changed")
            number += 1
    print(len(free))


def same_json(a, b):
    with open(a, encoding="utf-8") as f, open(b, encoding="utf-8") as g:
        x, y = json.load(f), json.load(g)
    if x != y:
        sys.exit(f"differ in {sorted(k for k in set(x) | set(y) if x.get(k) != y.get(k))}")


def flip(path, offset, bit):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ 1 << bit]))


def main():
    commands = {"make": lambda kind, size, path: make(kind, int(size), path), "fill": fill, "same-but-free": same_but_free,
                "same-json": same_json, "flip": lambda path, at, bit: flip(path, int(at), int(bit))}
    commands[sys.argv[1]](*sys.argv[2:])


main()
