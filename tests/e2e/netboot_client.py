#!/usr/bin/env python3
"""One request of a netbooting machine, and what comes back, as one JSON object a reply.

   netboot_client.py discover --arch 7                          a UEFI ROM looks for a lease
   netboot_client.py request --to 10.78.0.1:4011 --ciaddr ...   the same asks a boot server
   netboot_client.py inform --mac-model iMac14,3 --list         a Mac asks for its images
   netboot_client.py inform --mac-model iMac14,3 --select 81000001 --server 10.78.0.1

A second decoder: nothing of the program's own code is used.
"""
import argparse
import json
import socket
import struct
import sys
import time

TYPES = {"discover": 1, "request": 3, "inform": 8}


def option(code, value):
    return bytes([code, len(value)]) + value


def vendor_of(a):
    """Option 43: what was given, or BSDP's."""
    if a.vendor:
        return option(43, bytes.fromhex(a.vendor))
    if not a.mac_model:
        return b""
    body = b""
    if a.list or a.select:
        body += bytes([1, 1, 1 if a.list else 2])
    body += bytes([2, 2]) + struct.pack(">H", a.version)
    if a.port != 68:
        body += bytes([5, 2]) + struct.pack(">H", a.port)
    if a.server:
        body += bytes([3, 4]) + socket.inet_aton(a.server)
    if a.select and a.select != "default":
        body += bytes([8, 4]) + bytes.fromhex(a.select)
    if a.filter:
        body += bytes([11, len(a.filter) // 2]) + bytes.fromhex(a.filter)
    if a.size:
        body += bytes([12, 2]) + struct.pack(">H", a.size)
    return option(43, body)


def class_of(a):
    if a.mac_model:
        return f"AAPLBSDPC/{a.mac_arch}/{a.mac_model}"
    if a.user_class or a.arch < 0:
        return a.vendor_class
    kind = "HTTPClient" if a.arch in (0x0F, 0x10, 0x12, 0x13) else "PXEClient"
    return a.vendor_class or f"{kind}:Arch:{a.arch:05d}:UNDI:003000"


def build(a):
    mac = bytes.fromhex(a.mac.replace(":", ""))
    head = struct.pack(">BBBBIHH", 1, 1, 6, 0, a.xid, 0, 0 if a.ciaddr else 0x8000)
    head += socket.inet_aton(a.ciaddr or "0.0.0.0") + bytes(12) + mac + bytes(10 + 192)
    options = option(53, bytes([TYPES[a.type]])) + option(55, bytes([1, 3, 43, 60, 66, 67]))
    if class_of(a):
        options += option(60, class_of(a).encode())
    if a.arch >= 0:
        options += option(93, struct.pack(">H", a.arch)) + option(94, b"\1\3\0") + option(97, bytes(17))
    if a.user_class:
        options += option(77, a.user_class.encode())
    packet = head + bytes.fromhex("63825363") + options + vendor_of(a) + b"\xff"
    return packet.ljust(300, b"\0")


def offer_of(a):
    """What a DHCP server of another network says."""
    head = struct.pack(">BBBBIHH", 2, 1, 6, 0, a.xid, 0, 0x8000) + bytes(4) + socket.inet_aton("192.168.20.50") + bytes(8)
    head += bytes.fromhex(a.mac.replace(":", "")) + bytes(10 + 192)
    options = option(53, b"\2") + option(54, socket.inet_aton("192.168.20.1")) + option(51, bytes([0, 0, 14, 16]))
    return (head + bytes.fromhex("63825363") + options + b"\xff").ljust(300, b"\0")


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def send_tagged(a):
    """The message as one broadcast frame with the tag of a VLAN."""
    ports, source = ((67, 68), "192.168.20.1") if a.serves else ((68, 67), "0.0.0.0")
    payload = offer_of(a) if a.serves else build(a)
    udp = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(source), b"\xff" * 4)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
        s.bind((a.interface, 3))
        s.send(b"\xff" * 6 + bytes.fromhex(a.mac.replace(":", "")) + struct.pack(">HHH", 0x8100, a.vlan, 0x0800) + head + udp)


def tlv(data):
    at = 0
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        assert at + 2 + data[at + 1] <= len(data), "an option reaches past its end"
        yield data[at], data[at + 2:at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def bsdp(instances):
    out = {"images": []}
    for instance in instances:
        for code, value in tlv(instance):
            if code == 9:
                while value:
                    out["images"].append([value[:4].hex(), value[5:5 + value[4]].decode()])
                    value = value[5 + value[4]:]
            else:
                name = {1: "message", 4: "priority", 7: "default", 8: "selected", 130: "name"}.get(code, str(code))
                out[name] = value.decode() if code == 130 else value.hex()
    return out


def read(data, peer):
    options = {}
    for code, value in tlv(data[240:]):
        options.setdefault(code, []).append(value)
    text = lambda at, n: data[at:at + n].split(b"\0")[0].decode()
    reply = {"from": list(peer), "xid": data[4:8].hex(), "yiaddr": socket.inet_ntoa(data[16:20]),
             "siaddr": socket.inet_ntoa(data[20:24]), "sname": text(44, 64), "file": text(108, 128),
             "type": options[53][0][0], "bytes": len(data), "order": [c for c, _ in tlv(data[240:])],
             "class": options[60][0].decode() if 60 in options else None,
             "root": options[17][0].decode() if 17 in options else None,
             "bootfile": options[67][0].decode() if 67 in options else None,
             "vendor": [v.hex() for v in options.get(43, [])], "raw": data.hex()}
    if reply["class"] == "AAPLBSDPC":
        reply["bsdp"] = bsdp(options.get(43, []))
    return reply


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("type", choices=TYPES)
    p.add_argument("--interface", default="eth0")
    p.add_argument("--mac", default="52:49:4e:47:00:01")
    p.add_argument("--xid", type=lambda s: int(s, 0), default=0x1234)
    p.add_argument("--arch", type=lambda s: int(s, 0), default=-1)
    p.add_argument("--vendor-class", default="")
    p.add_argument("--user-class", default="")
    p.add_argument("--vendor", default="", help="option 43, in hexadecimal")
    p.add_argument("--mac-model", default="")
    p.add_argument("--mac-arch", default="i386")
    p.add_argument("--list", action="store_true")
    p.add_argument("--select", default="")
    p.add_argument("--server", default="")
    p.add_argument("--filter", default="")
    p.add_argument("--version", type=lambda s: int(s, 0), default=0x0101)
    p.add_argument("--size", type=int, default=0)
    p.add_argument("--ciaddr", default="")
    p.add_argument("--to", default="255.255.255.255:67")
    p.add_argument("--port", type=int, default=68, help="ours")
    p.add_argument("--vlan", type=int, default=-1, help="sent as a frame with this tag")
    p.add_argument("--serves", action="store_true", help="with --vlan: an offer instead, of a server of that VLAN")
    p.add_argument("--expect", type=int, default=1, help="so many answers are waited for, 10 s long; then for others, a moment")
    return p.parse_args()


def main():
    a = arguments()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, a.interface.encode() + b"\0")
    s.bind(("", a.port))
    host, port = a.to.split(":")
    if a.vlan >= 0:
        send_tagged(a)
    else:
        s.sendto(build(a), (host, int(port)))
    end, got = time.monotonic() + (10 if a.expect else 1), 0
    while (left := end - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            data, peer = s.recvfrom(65536)
        except TimeoutError:
            break
        if data[0] == 2 and data[4:8] == struct.pack(">I", a.xid):
            print(json.dumps(read(data, peer)), flush=True)
            got += 1
            if got == a.expect:
                end = time.monotonic() + 0.4


sys.exit(main())
