#!/usr/bin/env python3
"""A second decoder of the `.ring` image, written from imaging/image/SPEC.md and imaging/fec/SPEC.md alone: it shares no
line with the product, so where the two agree the SPECs say enough.

    ringimage.py info IMAGE                    what `ringcast info --json` prints
    ringimage.py verify IMAGE [--key NAME.pub] [--parity N]
    ringimage.py extract IMAGE DISK            the disk, byte for byte (free blocks read as zeros)

Plain Python 3.9, nothing else. It is slow and means to be: each rule is written as the SPEC words it. --parity N checks N
elements of repair symbols in each window (default 64), each by Lagrange's formula over its whole source block.
Exit codes: 0 done, 1 the image is wrong, 2 usage, 5 not signed by the key.
"""
import argparse
import base64
import hashlib
import json
import random
import struct
import sys
import zlib

CHUNK = 131072
SEGMENT = 16384
SYMBOL = 1440
STREAM_AT = 4096


class Wrong(Exception):
    """The image breaks a rule of the SPEC."""


class Untrusted(Exception):
    """The image is whole but not signed by the key."""


def need(condition, text):
    if not condition:
        raise Wrong(text)


def sha256(data):
    return hashlib.sha256(data).digest()


class Reader:
    """Big-endian values out of bytes, never past their end."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, n):
        need(self.at + n <= len(self.data), "a structure is cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def int(self, n):
        return int.from_bytes(self.bytes(n), "big")

    def left(self):
        return len(self.data) - self.at


def plain_text(raw):
    """UTF-8 without control characters."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Wrong("a name is not UTF-8") from None
    need(not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text), "a name holds a control character")
    return text


def padded_text(raw):
    text = raw.rstrip(b"\0")
    need(b"\0" not in text, "a name is not padded with zeros alone")
    return plain_text(text)


# --- section 3: the head ----------------------------------------------------------------------------------------------

class Head:
    def __init__(self, raw):
        r = Reader(raw)
        need(r.bytes(8) == b"RINGCAST", "the magic is missing")
        need(r.int(2) == 1 and r.int(2) == 0, "version or flags are unknown")
        need(r.int(1) == 17, "chunk_log2 is not 17")
        sector_log2 = r.int(1)
        need(sector_log2 in (9, 12), "sector_log2 is neither 9 nor 12")
        self.sector = 1 << sector_log2
        need(r.int(2) == SYMBOL, "symbol_bytes is not 1440")
        self.raw_bytes, self.min_target, self.data_bytes, self.stream_bytes = (r.int(8) for _ in range(4))
        self.body_offset, self.body_bytes = r.int(8), r.int(8)
        self.chunks, self.data_chunks, self.windows, self.blocks = (r.int(4) for _ in range(4))
        self.created = r.int(8)
        self.root, self.body_hash = r.bytes(32), r.bytes(32)
        self.name, self.label = padded_text(r.bytes(64)), padded_text(r.bytes(32))
        self.table = r.int(1)
        info = r.bytes(16)
        self.sector_known, self.copy_left_out = info[0] == 1 or self.table != 0, info[9] == 1
        need(r.bytes(118) == bytes(118), "reserved bytes are not zero")
        self.signer, self.signature = r.bytes(65), r.bytes(64)
        self.id = sha256(raw[:448])
        self.check()

    def check(self):
        need(1 <= self.raw_bytes <= 1 << 48 and self.raw_bytes % self.sector == 0, "raw_bytes is out of range")
        need(self.min_target <= self.raw_bytes, "min_target_bytes is out of range")
        need(self.chunks == -(-self.raw_bytes // CHUNK), "chunks does not fit raw_bytes")
        need(self.data_chunks <= self.chunks, "data_chunks is out of range")
        need((self.windows == 0) == (self.data_chunks == 0), "windows does not fit data_chunks")
        need(self.body_offset == STREAM_AT + self.stream_bytes, "body_offset is out of range")
        need(self.name, "the name is empty")
        need(self.table <= 2, "the partition table is unknown")
        if self.is_signed():
            need(self.signer[0] == 4, "the signer is no uncompressed point")
        else:
            need(self.signature == bytes(64), "there is a signature but no signer")

    def is_signed(self):
        return self.signer != bytes(65)


# --- section 4: the body ----------------------------------------------------------------------------------------------

class Window:
    def __init__(self, r):
        self.d, self.k, self.r, self.lg_t, zero = r.int(2), r.int(2), r.int(2), r.int(1), r.int(1)
        self.first, self.count, self.offset = r.int(4), r.int(4), r.int(8)
        need(1 <= self.d <= 128 and 1 <= self.k <= 12288, "D or k of a window is out of range")
        need(self.lg_t == 8 and self.r <= 1 << self.lg_t and zero == 0, "r or lg_t of a window is out of range")
        need(self.count >= 1, "a window is empty")

    def bytes(self):
        return (self.k + self.r) * self.d * SYMBOL


class Chunk:
    """A data chunk: its number on the disk, raw and stored length, hash, and where it lies."""

    def __init__(self, number, raw, stored, digest):
        self.number, self.raw, self.stored, self.hash = number, raw, stored, digest
        self.block = self.start = None


class Body:
    def __init__(self, raw, head):
        self.head = head
        r = Reader(raw)
        sections = {}
        for tag in (b"GEOM", b"RUNS", b"WINS", b"CHNK"):
            need(r.bytes(4) == tag, f"section {tag.decode()} is missing")
            sections[tag] = Reader(r.bytes(r.int(8)))
        need(r.left() == 0, "something follows the last section")
        self.parts = self.read_parts(sections[b"GEOM"])
        self.runs = self.read_runs(sections[b"RUNS"])
        self.windows = self.read_windows(sections[b"WINS"])
        self.chunks = self.read_chunks(sections[b"CHNK"])
        for w in self.windows:
            self.lay_out(w)

    def read_parts(self, r):
        parts = []
        for _ in range(r.int(1)):
            first, size, kind, fs = r.int(8), r.int(8), r.bytes(16), r.int(1)
            name = plain_text(r.bytes(r.int(1)))
            need(size >= 1 and first + size <= self.head.raw_bytes, "a partition lies outside the disk")
            need(not parts or first >= parts[-1]["first"], "the partitions are not in ascending order")
            parts.append({"first": first, "bytes": size, "type": kind.hex(), "fs": "ext" if fs == 1 else "unknown", "name": name})
        need(r.left() == 0, "GEOM is too long")
        return parts

    def read_runs(self, r):
        runs, at, data = [], 0, 0
        while r.left():
            state, count = r.int(1), r.int(4)
            need(state <= 2 and count >= 1, "a run is out of range")
            need(not runs or runs[-1][0] != state, "neighbouring runs have one state")
            runs.append((state, at, count))
            at += count
            data += count if state == 0 else 0
        need(at == self.head.chunks and data == self.head.data_chunks, "the runs do not add up")
        return runs

    def read_windows(self, r):
        windows, ordinal, offset = [], 0, STREAM_AT
        while r.left():
            w = Window(r)
            need(w.first == ordinal and w.offset == offset, "the windows do not follow each other")
            ordinal += w.count
            offset += w.bytes()
            windows.append(w)
        need(len(windows) == self.head.windows and ordinal == self.head.data_chunks, "the windows do not add up")
        need(offset == self.head.body_offset and sum(w.d for w in windows) == self.head.blocks,
             "the windows do not fill the stream")
        return windows

    def read_chunks(self, r):
        chunks = []
        for state, first, count in self.runs:
            for number in range(first, first + count if state == 0 else first):
                raw = min(CHUNK, self.head.raw_bytes - number * CHUNK)
                chunk = Chunk(number, raw, r.int(3), r.bytes(32))
                need(1 <= chunk.stored <= raw, "a stored length is out of range")
                chunks.append(chunk)
        need(r.left() == 0, "CHNK is too long")
        need(sum(c.raw for c in chunks) == self.head.data_bytes, "data_bytes does not fit the runs")
        if chunks:
            last = chunks[-1]
            need(self.head.min_target >= last.number * CHUNK + last.raw, "min_target_bytes cuts a data chunk")
        return chunks

    def lay_out(self, w):
        """Section 5: the least filled block takes the next chunk."""
        fill = [0] * w.d
        for c in self.chunks[w.first:w.first + w.count]:
            c.block = fill.index(min(fill))
            c.start = fill[c.block]
            fill[c.block] += c.stored
        need(w.k == -(-max(fill) // SYMBOL), "k is not what the fullest block needs")
        w.fill = fill

    def root(self):
        level = [c.hash for c in self.chunks]
        if not level:
            return sha256(b"")
        while len(level) > 1:
            pairs = [level[i:i + 2] for i in range(0, len(level), 2)]
            level = [sha256(p[0] + p[1]) if len(p) == 2 else p[0] for p in pairs]
        return level[0]


# --- section 6: hashes; LZ4 block format ------------------------------------------------------------------------------

def chunk_hash(raw):
    return sha256(b"".join(sha256(raw[i:i + SEGMENT]) for i in range(0, len(raw), SEGMENT)))


def lz4_block(data, size):
    """Sequences of: token, literals, and (but for the last) a match to copy from what is already there."""
    out, at = bytearray(), 0

    def length(nibble):
        nonlocal at
        n = nibble
        while nibble == 15:
            n += data[at]
            at += 1
            if data[at - 1] != 255:
                break
        return n

    try:
        while True:
            token = data[at]
            at += 1
            literals = length(token >> 4)
            need(at + literals <= len(data), "LZ4 literals run past the end")
            out += data[at:at + literals]
            at += literals
            if at == len(data):
                break
            offset = data[at] | data[at + 1] << 8
            at += 2
            match = length(token & 15) + 4
            need(0 < offset <= len(out), "an LZ4 match reaches before the start")
            need(len(out) + match <= size, "an LZ4 block is longer than its chunk")
            start = len(out) - offset
            if offset >= match:
                out += out[start:start + match]
            else:
                pattern = bytes(out[start:])
                out += (pattern * (match // offset + 1))[:match]
    except IndexError:
        raise Wrong("an LZ4 block is cut short") from None
    need(len(out) == size, "an LZ4 block has not the length of its chunk")
    return bytes(out)


# --- ECDSA over P-256 (FIPS 186-4, SEC 1) -----------------------------------------------------------------------------

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def ec_add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def ec_mul(n, point):
    total = None
    while n:
        if n & 1:
            total = ec_add(total, point)
        point, n = ec_add(point, point), n >> 1
    return total


def signature_fits(digest, signer, signature):
    x, y = int.from_bytes(signer[1:33], "big"), int.from_bytes(signer[33:], "big")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (x < P and y < P and (y * y - x * x * x + 3 * x - B) % P == 0 and 0 < r < N and 0 < s < N):
        return False
    w, e = pow(s, -1, N), int.from_bytes(digest, "big")
    point = ec_add(ec_mul(e * w % N, G), ec_mul(r * w % N, (x, y)))
    return point is not None and point[0] % N == r


def pem_public_key(path):
    """The uncompressed point is what a SubjectPublicKeyInfo of a P-256 key ends with."""
    with open(path, encoding="ascii") as f:
        lines = [line for line in f.read().split("\n") if line and not line.startswith("-----")]
    der = base64.b64decode("".join(lines))
    need(len(der) == 91 and der[26] == 4, "the key is no P-256 public key")
    return der[26:]


# --- the code of imaging/fec/SPEC.md ----------------------------------------------------------------------------------

BETA = [0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
        0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E]


class Field:
    """GF(2^16) by logarithms to the base x."""

    def __init__(self):
        self.exp, self.log = [0] * 131070, [0] * 65536
        v = 1
        for i in range(65535):
            self.exp[i] = self.exp[i + 65535] = v
            self.log[v] = i
            v <<= 1
            if v >> 16:
                v ^= 0x1002D
        self.point = [0]
        for beta in BETA:
            self.point += [p ^ beta for p in self.point]
        self.high = [self.mul(BETA[8], self.point[h]) for h in range(256)]

    def mul(self, a, b):
        return self.exp[self.log[a] + self.log[b]] if a and b else 0

    def div(self, a, b):
        return self.exp[self.log[a] + 65535 - self.log[b]] if a else 0

    def element(self, low, high):
        return self.point[low] ^ self.high[high]

    def repair(self, values, p, t):
        """The repair value p of the source values, by Lagrange's formula over the points T .. n-1.

        The product over all those points z + w_j is s_14(z) / s_t(z). At w_p, where both vanish, that is the quotient of their
        derivatives, 1; and its own derivative at w_i is 1 / s_t(w_i), and s_t(w_i) = w_(i >> t).
        """
        total = 0
        for index, value in enumerate(values):
            i = (1 << t) + index
            total ^= self.div(self.mul(value, self.point[i >> t]), self.point[p] ^ self.point[i])
        return total


def element_at(e):
    """Offsets of the low and high byte of element e in a symbol."""
    if e < 704:
        return 64 * (e // 32) + e % 32, 64 * (e // 32) + e % 32 + 32
    return 1408 + e - 704, 1408 + e - 704 + 16


# --- the file ---------------------------------------------------------------------------------------------------------

class Image:
    """Opening checks everything but the stream."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.size = self.file.seek(0, 2)
        start = self.read(0, STREAM_AT)
        self.head = Head(start[:512])
        need(start[512:] == bytes(STREAM_AT - 512), "the bytes behind the head are not zero")
        need(self.size == self.head.body_offset + self.head.body_bytes, "the file has not the length its head says")
        raw = self.read(self.head.body_offset, self.head.body_bytes)
        need(sha256(raw) == self.head.body_hash, "the body has not its hash")
        self.body = Body(raw, self.head)
        need(self.body.root() == self.head.root, "the chunk hashes have not their root")
        if self.head.is_signed():
            need(signature_fits(self.head.id, self.head.signer, self.head.signature), "the signature is wrong")

    def read(self, at, n):
        self.file.seek(at)
        data = self.file.read(n)
        need(len(data) == n, "the file is cut short")
        return data

    def rows(self, w):
        """The window's rows as one run of bytes, source and repair."""
        return memoryview(self.read(w.offset, w.bytes()))

    def blocks(self, w, rows):
        for d in range(w.d):
            yield d, b"".join(rows[(s * w.d + d) * SYMBOL:(s * w.d + d + 1) * SYMBOL] for s in range(w.k))

    def contents(self):
        """(offset on the disk, raw bytes) of every data chunk, each checked; in no particular order."""
        for w in self.body.windows:
            rows = self.rows(w)
            for d, block in self.blocks(w, rows):
                need(not any(block[w.fill[d]:]), "a block is not padded with zeros")
                for c in self.body.chunks[w.first:w.first + w.count]:
                    if c.block != d:
                        continue
                    stored = block[c.start:c.start + c.stored]
                    raw = stored if c.stored == c.raw else lz4_block(stored, c.raw)
                    need(chunk_hash(raw) == c.hash, f"chunk {c.number} has not its hash")
                    yield c.number * CHUNK, raw

    def check_parity(self, samples, chance):
        field = Field()
        for w in self.body.windows:
            rows = self.rows(w)
            for _ in range(samples if w.r else 0):
                d, p, e = chance.randrange(w.d), chance.randrange(w.r), chance.randrange(720)
                low, high = element_at(e)

                def value(s):
                    at = (s * w.d + d) * SYMBOL
                    return field.element(rows[at + low], rows[at + high])

                need(field.repair([value(s) for s in range(w.k)], p, w.lg_t) == value(w.k + p),
                     f"repair symbol {p} of block {d} is wrong")

    def info(self):
        h, b = self.head, self.body
        count = [sum(n for state, _, n in b.runs if state == s) for s in range(3)]
        return {
            "ok": True, "id": h.id.hex(), "name": h.name, "label": h.label, "created": h.created,
            "sector_bytes": h.sector, "sector_known": h.sector_known, "table": ["none", "mbr", "gpt"][h.table], "raw_bytes": h.raw_bytes,
            "min_target_bytes": h.min_target, "data_bytes": h.data_bytes, "stream_bytes": h.stream_bytes,
            "body_bytes": h.body_bytes, "chunks": h.chunks, "data_chunks": h.data_chunks, "blocks": h.blocks,
            "root": h.root.hex(), "body_hash": h.body_hash.hex(), "signed": h.is_signed(),
            "signer": h.signer.hex() if h.is_signed() else None, "zero_chunks": count[1], "free_chunks": count[2],
            "stored_bytes": sum(c.stored for c in b.chunks), "file_bytes": self.size, "partitions": b.parts,
            "windows": [{"blocks": w.d, "symbols": w.k, "repair": w.r, "first_chunk": w.first, "chunks": w.count,
                         "offset": w.offset} for w in b.windows],
        }


def verify(image, key, samples):
    if key:
        if not image.head.is_signed() or image.head.signer != pem_public_key(key):
            raise Untrusted("the image is not signed by this key")
    for _ in image.contents():
        pass
    image.check_parity(samples, random.Random(image.head.id))


def table_copy(disk, sector, size):
    """The copy of the GPT at the end, made of the first bytes of the disk: (offset, bytes)."""
    header = bytearray(disk[sector:2 * sector])
    table, entries, each = struct.unpack_from("<QII", header, 72)
    table = disk[table * sector:table * sector + entries * each]
    last = size // sector - 1
    first = last - -(-len(table) // sector)
    struct.pack_into("<QQ", header, 24, last, 1)
    struct.pack_into("<Q", header, 48, first - 1)
    struct.pack_into("<Q", header, 72, first)
    struct.pack_into("<I", header, 16, 0)
    struct.pack_into("<I", header, 16, zlib.crc32(header[:struct.unpack_from("<I", header, 12)[0]]))
    return first * sector, table.ljust((last - first) * sector, b"\0") + header


def extract(image, path):
    with open(path, "w+b") as out:
        out.truncate(image.head.raw_bytes)
        for offset, raw in image.contents():
            out.seek(offset)
            out.write(raw)
        if image.head.copy_left_out:
            out.seek(0)
            offset, raw = table_copy(out.read(CHUNK), image.head.sector, image.head.raw_bytes)
            out.seek(offset)
            out.write(raw)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("info", "verify", "extract"):
        command = commands.add_parser(name)
        command.add_argument("image")
        if name == "verify":
            command.add_argument("--key")
            command.add_argument("--parity", type=int, default=64, metavar="N")
        if name == "extract":
            command.add_argument("disk")
    args = parser.parse_args()
    try:
        image = Image(args.image)
        if args.command == "info":
            print(json.dumps(image.info()))
        elif args.command == "verify":
            verify(image, args.key, args.parity)
        else:
            extract(image, args.disk)
    except (Wrong, OSError) as fault:
        sys.exit(f"ringimage.py: {fault}")
    except Untrusted as fault:
        print(f"ringimage.py: {fault}", file=sys.stderr)
        sys.exit(5)


if __name__ == "__main__":
    main()
