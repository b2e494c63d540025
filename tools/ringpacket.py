#!/usr/bin/env python3
"""A second decoder of the ring's datagrams, written from imaging/packet/SPEC.md and imaging/fec/SPEC.md alone: it shares no
line with the product, so where the two agree the SPECs say enough.

    ringpacket.py check FILE --key HEX             counts good and refused datagrams; one JSON object
    ringpacket.py list FILE [--key HEX]            one line a datagram
    ringpacket.py make FILE N --key HEX [--seed S] N random legal datagrams
    ringpacket.py pcap FILE PCAP                   wraps datagrams into frames for other tools
    ringpacket.py rebuild FILE HEAD IMAGE --key HEX
                                                   the `.ring` file, from what was on the wire and its first 512 bytes

FILE is a capture (pcap, Ethernet, whole frames) or datagrams of 1472 bytes back to back. Plain Python 3.9, with its own AES,
GHASH and erasure decoder; it is slow and means to be. Exit codes: 0 done, 1 wrong or not enough, 2 usage.
"""
import argparse
import collections
import json
import random
import struct
import sys

import ringimage

DATAGRAM, HEADER, SYMBOL = 1472, 32, 1440
GROUP, PORT = bytes([239, 255, 1, 2]), 7800


class Refused(Exception):
    """A datagram that is dropped; says why."""


# --- section 4: the tag -----------------------------------------------------------------------------------------------

def aes_tables():
    """The S-box from its definition: the inverse in GF(2^8), and an affine map."""
    exp, log, v = [0] * 510, [0] * 256, 1
    for i in range(255):
        exp[i] = exp[i + 255] = v
        log[v] = i
        v ^= (v << 1) ^ (0x11B if v & 0x80 else 0)
        v &= 0xFF
    sbox = []
    for i in range(256):
        b = exp[255 - log[i]] if i else 0
        s = b
        for _ in range(4):
            b = (b << 1 | b >> 7) & 0xFF
            s ^= b
        sbox.append(s ^ 0x63)
    double = [(i << 1) ^ (0x11B if i & 0x80 else 0) for i in range(256)]
    return sbox, double


SBOX, DOUBLE = aes_tables()


class Aes128:
    def __init__(self, key):
        words, rcon = [list(key[i:i + 4]) for i in range(0, 16, 4)], 1
        for i in range(4, 44):
            w = words[i - 1]
            if i % 4 == 0:
                w = [SBOX[b] for b in w[1:] + w[:1]]
                w[0] ^= rcon
                rcon = DOUBLE[rcon]
            words.append([a ^ b for a, b in zip(words[i - 4], w)])
        self.rounds = [sum(words[i:i + 4], []) for i in range(0, 44, 4)]

    def encrypt(self, block):
        s = [a ^ b for a, b in zip(block, self.rounds[0])]
        for n in range(1, 11):
            s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]  # bytes substituted, rows shifted
            if n < 10:
                s = [b for c in range(0, 16, 4) for b in self.mix(s[c:c + 4])]
            s = [a ^ b for a, b in zip(s, self.rounds[n])]
        return bytes(s)

    @staticmethod
    def mix(c):
        total = c[0] ^ c[1] ^ c[2] ^ c[3]
        return [c[i] ^ total ^ DOUBLE[c[i] ^ c[(i + 1) % 4]] for i in range(4)]


class Gmac:
    """GHASH with a table of H's products for each byte position; elements are numbers whose top bit is x^0."""

    def __init__(self, key):
        self.aes = Aes128(key)
        power = int.from_bytes(self.aes.encrypt(bytes(16)), "big")
        bits = []  # H times x^0, x^1, ... x^127
        for _ in range(128):
            bits.append(power)
            power = power >> 1 ^ (0xE1 << 120 if power & 1 else 0)
        self.table = []
        for byte in range(16):
            row = [0] * 256
            for v in range(1, 256):
                low = v & -v
                row[v] = row[v ^ low] ^ bits[8 * byte + 8 - low.bit_length()]
            self.table.append(row)

    def ghash(self, data):
        y = 0
        for at in range(0, len(data), 16):
            block = (y ^ int.from_bytes(data[at:at + 16], "big")).to_bytes(16, "big")
            y = 0
            for row, v in zip(self.table, block):
                y ^= row[v]
        return y

    def tag(self, nonce, aad):
        padded = aad + bytes(-len(aad) % 16) + struct.pack(">QQ", len(aad) * 8, 0)
        pad = int.from_bytes(self.aes.encrypt(nonce + b"\0\0\0\1"), "big")
        return (self.ghash(padded) ^ pad).to_bytes(16, "big")[:8]


def datagram_tag(gmac, d):
    nonce = d[4:8] + d[24:28] + d[30:32] + d[1:2] + bytes([(d[11] << 4 | d[3]) & 0xFF])
    return gmac.tag(nonce, d[0:16] + d[24:DATAGRAM])


# --- section 2: the header --------------------------------------------------------------------------------------------

Packet = collections.namedtuple("Packet", "cci sbn tsi toi k esi lg_t close symbol")


def need(condition, text):
    if not condition:
        raise Refused(text)


def decode(d, gmac=None):
    need(len(d) == DATAGRAM, "length")
    if gmac:
        need(datagram_tag(gmac, d) == d[16:24], "tag")
    first, flags, words, lg_t, cci, tsi, toi, het, hel, asid, _, sbn, k, esi = struct.unpack(">BBBBIHHBBHQIHH", d[:HEADER])
    need(first == 0x10 and flags in (0x10, 0x12), "flags")
    need(words == 6, "header length")
    need(8 <= lg_t <= 12, "codepoint")
    need(tsi != 0, "TSI")
    need(toi in (0, 1), "TOI")
    need(het == 1 and hel == 3 and asid == 0, "extension")
    need(1 <= k <= 12288, "source block length")
    need(esi < k + (1 << lg_t), "ESI")
    return Packet(cci, sbn, tsi, toi, k, esi, lg_t, flags == 0x12, d[HEADER:])


def encode(p, gmac):
    head = struct.pack(">BBBBIHHBBH", 0x10, 0x12 if p.close else 0x10, 6, p.lg_t, p.cci, p.tsi, p.toi, 1, 3, 0)
    d = head + bytes(8) + struct.pack(">IHH", p.sbn, p.k, p.esi) + p.symbol
    return d[:16] + datagram_tag(gmac, d) + d[24:]


# --- files ------------------------------------------------------------------------------------------------------------

def datagrams(path):
    """The UDP payloads of a capture, or the datagrams of a plain file."""
    with open(path, "rb") as f:
        magic = f.read(4)
        order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(magic)
        f.seek(24 if order else 0)
        while True:
            if order:
                record = f.read(16)
                n = struct.unpack(order + "IIII", record)[2] if len(record) == 16 else 0
                d = f.read(n)
                if len(record) < 16:
                    return
                yield from payloads(d)
            else:
                d = f.read(DATAGRAM)
                if not d:
                    return
                yield d


def payloads(frame):
    """Of an Ethernet frame: its UDP payload, cut where a sender on the same machine left that to others."""
    if frame[12:15] != b"\x08\x00\x45" or frame[23] != 17 or struct.unpack(">H", frame[20:22])[0] & 0x3FFF:
        return
    data = frame[42:34 + struct.unpack(">H", frame[38:40])[0]]
    for at in range(0, len(data), DATAGRAM):
        yield data[at:at + DATAGRAM]


def frame(payload):
    """Section 1, from 192.0.2.1 to 239.255.1.2:7800."""
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0x4000, 1, 17, 0, bytes([192, 0, 2, 1]), GROUP)
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack(">H", 0xFFFF - ((total & 0xFFFF) + (total >> 16))) + ip[12:]
    udp = struct.pack(">HHHH", PORT, PORT, 8 + len(payload), 0)
    return bytes.fromhex("01005e7f0102") + bytes.fromhex("020000000001") + b"\x08\x00" + ip + udp + payload


# --- imaging/fec/SPEC.md section 6: a block with losses ---------------------------------------------------------------

class Code:
    """Symbols are pairs of byte strings, the low and the high bytes of their 720 elements: a product by a constant is then four
    translations of bytes."""

    def __init__(self):
        self.field = ringimage.Field()
        self.pair = [(0, 0)] * 65536
        for high in range(256):
            for low in range(256):
                self.pair[self.field.element(low, high)] = (low, high)
        self.tables = {}

    @staticmethod
    def split(symbol):
        ends = [symbol[i:i + 32] for i in range(0, 1408, 32)]
        return b"".join(ends[0::2]) + symbol[1408:1424], b"".join(ends[1::2]) + symbol[1424:]

    @staticmethod
    def join(pair):
        low, high = pair
        units = b"".join(low[i:i + 32] + high[i:i + 32] for i in range(0, 704, 32))
        return units + low[704:] + high[704:]

    @staticmethod
    def add(a, b):
        if a is None or b is None:
            return a or b
        return tuple((int.from_bytes(x, "big") ^ int.from_bytes(y, "big")).to_bytes(720, "big") for x, y in zip(a, b))

    def multiply(self, c, s):
        if s is None or c == 0:
            return None
        if c not in self.tables:
            f = self.field
            low = [self.pair[f.mul(c, f.element(v, 0))] for v in range(256)]
            high = [self.pair[f.mul(c, f.element(0, v))] for v in range(256)]
            self.tables[c] = [bytes(p[i] for p in t) for t in (low, high) for i in (0, 1)]
        ll, lh, hl, hh = self.tables[c]
        return self.add((s[0].translate(ll), s[0].translate(lh)), (s[1].translate(hl), s[1].translate(hh)))

    def inverse(self, a, o):
        for d in range(len(a).bit_length() - 1):
            for g in range(0, len(a), 2 << d):
                c = self.field.point[(o + g) >> d]
                for x in range(g, g + (1 << d)):
                    y = x + (1 << d)
                    a[y] = self.add(a[y], a[x])
                    a[x] = self.add(a[x], self.multiply(c, a[y]))
        return a

    def forward(self, a, o):
        for d in reversed(range(len(a).bit_length() - 1)):
            for g in range(0, len(a), 2 << d):
                c = self.field.point[(o + g) >> d]
                for x in range(g, g + (1 << d)):
                    y = x + (1 << d)
                    a[x] = self.add(a[x], self.multiply(c, a[y]))
                    a[y] = self.add(a[y], a[x])
        return a

    def syndrome(self, at_point, t, k):
        total = [None] * t
        for o in range(0, t + k, t):
            values = [at_point.get(o + i) for i in range(t)]
            if any(values):
                total = [self.add(x, y) for x, y in zip(total, self.inverse(values, o))]
        return total

    def repair(self, t, source):
        """Section 5: all T repair symbols."""
        at_point = {t + i: self.split(s) for i, s in enumerate(source)}
        zero = (bytes(720), bytes(720))
        return [self.join(v or zero) for v in self.forward(self.syndrome(at_point, t, len(source)), 0)]

    def product(self, missing, point, skip=None):
        value = 1
        for e in missing:
            if e != skip:
                value = self.field.mul(value, self.field.point[point] ^ self.field.point[e])
        return value

    def recover(self, k, t, have):
        """`have`: symbols by ESI, any k or more of them with one T. Returns the missing source symbols by ESI."""
        at_point = {t + i if i < k else i - k: self.split(s) for i, s in have.items()}
        missing = [i for i in list(range(t)) + list(range(t, t + k)) if i not in at_point]
        lost = [i - t for i in missing if i >= t]
        if not lost:
            return {}
        need(len(missing) <= t, "fewer than k symbols")
        s, q = self.syndrome(at_point, t, k), [None] * t
        for o in (0, t):
            u = [self.multiply(self.product(missing, o + i), v) for i, v in enumerate(self.forward(list(s), o))]
            q = [self.add(x, y) for x, y in zip(q, self.inverse(u, o))]
        cosets = {o: self.forward(list(q), o) for o in {(t + i) // t * t for i in lost}}
        zero = (bytes(720), bytes(720))
        found = {}
        for i in lost:
            o = (t + i) // t * t
            scale = self.field.div(1, self.product(missing, t + i, t + i))
            found[i] = self.join(self.multiply(scale, cosets[o][t + i - o]) or zero)
        return found


# --- section 3: an image from the wire --------------------------------------------------------------------------------

class Collector:
    """Symbols by object and block. Repair symbols of different T do not combine: kept apart."""

    def __init__(self):
        self.source, self.repair, self.k = {}, {}, {}

    def take(self, p):
        block = (p.toi, p.sbn)
        if self.k.setdefault(block, p.k) != p.k:
            raise Refused("k differs within a block")
        if p.esi < p.k:
            self.source.setdefault(block, {})[p.esi] = p.symbol
        else:
            self.repair.setdefault(block, {}).setdefault(p.lg_t, {})[p.esi] = p.symbol

    def block(self, code, toi, sbn, k):
        """The k source symbols; None when they are not all to be had."""
        have, repairs = self.source.get((toi, sbn), {}), self.repair.get((toi, sbn), {})
        need(self.k.get((toi, sbn), k) == k, "k is not the image's")
        if len(have) < k:
            lg_t = next((t for t, r in repairs.items() if len(r) + len(have) >= k), None)
            if lg_t is None:
                return None
            have = {**have, **code.recover(k, 1 << lg_t, {**have, **repairs[lg_t]})}
        return [have[i] for i in range(k)]


def rebuild(collected, head_bytes, out):
    """Writes the image; returns the number of blocks that could not be had."""
    head, code, lost = ringimage.Head(head_bytes), Code(), 0
    symbols, body = -(-head.body_bytes // SYMBOL), b""
    for sbn, start in enumerate(range(0, symbols, 12288)):
        block = collected.block(code, 0, sbn, min(12288, symbols - start))
        need(block, "the body is not complete")
        body += b"".join(block)
    body = body[:head.body_bytes]
    need(ringimage.sha256(body) == head.body_hash, "the body's hash is not the head's")
    out.write(head_bytes + bytes(4096 - len(head_bytes)))
    sbn = 0
    for w in ringimage.Body(body, head).windows:
        for b in range(w.d):
            block = collected.block(code, 1, sbn + b, w.k)
            lost += block is None
            for row, symbol in enumerate(block + code.repair(1 << w.lg_t, block)[:w.r] if block else []):
                out.seek(w.offset + (row * w.d + b) * SYMBOL)
                out.write(symbol)
        sbn += w.d
    out.seek(head.body_offset)
    out.write(body)
    return lost


# --- commands ---------------------------------------------------------------------------------------------------------

def each(args):
    """(datagram, packet or None, reason) of each datagram."""
    gmac = Gmac(args.key) if args.key else None
    for d in datagrams(args.file):
        try:
            yield d, decode(d, gmac), None
        except Refused as why:
            yield d, None, str(why)


def check(args):
    good, refused, first, last = 0, collections.Counter(), None, None
    for _, p, why in each(args):
        if why:
            refused[why] += 1
            continue
        good += 1
        first, last = p.cci if first is None else first, p.cci
    print(json.dumps({"good": good, "refused": refused, "first": first, "last": last}))
    return refused.total() > 0 if hasattr(refused, "total") else sum(refused.values()) > 0


def list_packets(args):
    for _, p, why in each(args):
        print(f"refused: {why}" if why else
              f"cci {p.cci} tsi {p.tsi} toi {p.toi} sbn {p.sbn} k {p.k} esi {p.esi} T {1 << p.lg_t}{' close' if p.close else ''}")


def make(args):
    gmac, rng = Gmac(args.key), random.Random(args.seed)
    with open(args.file, "wb") as f:
        for _ in range(args.n):
            k, lg_t = rng.randint(1, 12288), rng.randint(8, 12)
            f.write(encode(Packet(rng.getrandbits(32), rng.getrandbits(32), rng.randint(1, 65535), rng.randint(0, 1), k,
                                  rng.randrange(k + (1 << lg_t)), lg_t, rng.random() < 0.5, rng.randbytes(SYMBOL)), gmac))


def to_pcap(args):
    with open(args.pcap, "wb") as f:
        f.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i, d in enumerate(datagrams(args.file)):
            data = frame(d)
            f.write(struct.pack("<IIII", i // 1000, i % 1000 * 1000, len(data), len(data)) + data)


def rebuild_image(args):
    collected, refused = Collector(), 0
    for _, p, why in each(args):
        refused += bool(why)
        if p:
            collected.take(p)
    with open(args.head, "rb") as f:
        head = f.read(512)
    with open(args.image, "wb") as out:
        lost = rebuild(collected, head, out)
    print(json.dumps({"blocks_lost": lost, "refused": refused}))
    return lost > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, extra in (("check", check, ()), ("list", list_packets, ()), ("make", make, ("n",)),
                             ("pcap", to_pcap, ("pcap",)), ("rebuild", rebuild_image, ("head", "image"))):
        sub = commands.add_parser(name)
        sub.add_argument("file")
        for word in extra:
            sub.add_argument(word, type=int if word == "n" else str)
        sub.add_argument("--key", type=bytes.fromhex, required=name in ("make", "rebuild"))
        sub.add_argument("--seed", type=int, default=1)
        sub.set_defaults(run=run)
    args = parser.parse_args()
    try:
        return int(bool(args.run(args)))
    except (Refused, ringimage.Wrong, OSError) as why:
        print(f"ringpacket: {why}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
