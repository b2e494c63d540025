#!/bin/bash
# Nothing a stranger sends ends the box: mutated messages of every protocol it speaks, at the rate one machine can send them, from
# invented machines; broken fragments, ARP, IGMP; connections that say nonsense or nothing. Afterwards it is the same process, no larger
# than it may be, and a machine gets its address and its file. SEED and NOISE_SECONDS choose.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" udhcpc curl python3
lab_up 2
made_box '[dhcp]\npool = 10.78.0.50-10.78.0.60\nreserve = 52:49:4e:47:00:02 10.78.0.20\n[session]\nstart = now\n[ring]\nrate = 20Mbit\n'
printf '#!/bin/sh\n[ "$1" = bound ] && ip address add "$ip/24" dev "$interface" || true\n' >bound.sh
chmod +x bound.sh

lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --payload payload --data data
until_true 30 grep -q 'addresses are handed out' box.err || fail "the box does not start"
pid=$(ip netns pids "$LAB_SERVER" | head -n 1)

lab_address "${LAB_RECEIVER[1]}" 10.78.0.99/24
cat >noise.py <<'PYTHON'
import glob, os, random, socket, struct, sys, threading, time

top, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
BOX, ME = "10.78.0.1", "10.78.0.99"
BOX_MAC = bytes.fromhex("52494e470000")


def corpus(*names):
    found = [open(f, "rb").read() for n in names for f in sorted(glob.glob(f"{top}/tests/corpus/{n}/*"))]
    return [f for f in found if len(f) < 2000] or [b"\0" * 300]


UDP = [(67, corpus("dhcp_*", "bsdp_*", "pxe_*")), (4011, corpus("dhcp_*", "pxe_*")), (68, corpus("dhcp_*")), (69, corpus("tftp_*")),
       (7800, corpus("session_beacon", "session_server")), (5353, corpus("session_*"))]
TCP = [(80, corpus("http_*")), (7800, corpus("session_message"))]


def mutated(r, b):
    b = bytearray(b)
    for _ in range(r.choice((0, 1, 1, 2, 5, 20))):
        if b:
            b[r.randrange(len(b))] = r.choice((0, 1, 0x7F, 0x80, 0xFF, r.randrange(256)))
    if r.random() < 0.2:
        del b[r.randrange(len(b) + 1):]
    if r.random() < 0.1:
        b += bytes(r.randrange(256) for _ in range(r.randrange(600)))
    return bytes(b[:1472])


def checksum(b):
    s = sum(struct.unpack(f">{len(b) // 2}H", b))
    s = (s & 0xFFFF) + (s >> 16)
    return 0xFFFF ^ ((s & 0xFFFF) + (s >> 16))


def ip(proto, source, to, body, fragment=0, options=b""):
    h = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), rng.randrange(65536), fragment, 64, proto, 0,
                    socket.inet_aton(source), socket.inet_aton(to)) + options
    return h[:10] + struct.pack(">H", checksum(h)) + h[12:] + body


def a_frame():
    mac = bytes((2, 1)) + rng.randbytes(4)
    # Nobody speaks ARP in the name of ME: that would end the connections below, not the box.
    source = rng.choice(("0.0.0.0", f"10.78.0.{rng.randrange(90)}", socket.inet_ntoa(rng.randbytes(4))))
    what = rng.random()
    if what < 0.8:
        port, seeds = rng.choice(UDP)
        body = mutated(rng, rng.choice(seeds))
        n = len(body) + 8 if rng.random() < 0.95 else rng.randrange(65536)
        to = rng.choice((BOX, "255.255.255.255", "224.0.0.251"))
        packet = ip(17, source, to, struct.pack(">HHHH", rng.choice((67, 68, 69, 4011, 7800, rng.randrange(65536))), port, n, 0) + body,
                    rng.choice((0,) * 30 + (0x2000, 0x0001, 0x3FFF)))
        kind = 0x0800
    elif what < 0.88:
        packet, kind = ip(2, source, rng.choice(("224.0.0.1", "224.0.0.2", "239.82.67.0")), mutated(rng, bytes.fromhex("1164ee9b00000000")),
                          0, rng.choice((b"", bytes.fromhex("94040000")))), 0x0800
    elif what < 0.94:
        packet, kind = mutated(rng, bytes.fromhex("0001080006040001") + mac + socket.inet_aton(source) + bytes(6) + socket.inet_aton(BOX)), 0x0806
    else:
        packet, kind = mutated(rng, ip(rng.choice((1, 6, 17, 103)), source, BOX, rng.randbytes(rng.randrange(200)))), 0x0800
    return rng.choice((BOX_MAC, b"\xff" * 6, bytes.fromhex("01005e000001"))) + mac + struct.pack(">H", kind) + packet


def frames(until):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    n = 0
    while time.monotonic() < until:
        try:
            s.send(a_frame()[:1514].ljust(60, b"\0"))
            n += 1
        except OSError:
            time.sleep(0.001)
    print(n, "frames")


def connections(until, salt):
    r, n = random.Random(seed + salt), 0
    silent = []
    while time.monotonic() < until:
        port, seeds = r.choice(TCP)
        try:
            c = socket.create_connection((BOX, port), timeout=0.5)
            n += 1
            if r.random() < 0.2:
                silent = silent[-50:] + [c]
                continue
            c.sendall(mutated(r, r.choice(seeds)))
            c.settimeout(0.05)
            c.recv(9000)
            if r.random() < 0.5:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
        except OSError:
            pass
    print(n, "connections")


end = time.monotonic() + seconds
threads = [threading.Thread(target=connections, args=(end, i)) for i in range(2)]
for t in threads:
    t.start()
frames(end - seconds / 3)  # then the connections have the wire to themselves
for t in threads:
    t.join()
PYTHON
LAB_TIMEOUT=120 lab_exec "${LAB_RECEIVER[1]}" python3 noise.py "$LAB_ROOT" "${NOISE_SECONDS:-20}" "${SEED:-1}" >noise.out 2>noise.err ||
    fail "the noise ended early: $(cat noise.err)"
[ "$(wc -l <noise.out)" = 3 ] || fail "the noise ended early"

[ "$(ip netns pids "$LAB_SERVER" | head -n 1)" = "$pid" ] || fail "the box is gone: $(tail -n 3 box.err)"
grep -q 'must hold' box.err && fail "a broken promise: $(grep 'must hold' box.err)"
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
[ -n "${NOISE_ANY_SIZE:-}" ] || [ "$rss" -lt 120000 ] || fail "the box has grown to $rss kB"
# A forged OFFER looks like another server; the box is silent until that one has been silent itself.
last() { grep -E 'another DHCP server|no other DHCP server' box.err | tail -n 1 | grep -q 'no other'; }
until_true 60 last || fail "the box waits for a server that is not there"
LAB_TIMEOUT=30 lab_exec "${LAB_RECEIVER[2]}" udhcpc -i eth0 -f -q -n -t 12 -T 1 -s "$LAB_DIR/bound.sh" >ask.log 2>&1 || fail "no lease after the noise: $(cat ask.log)"
lab_exec "${LAB_RECEIVER[2]}" curl -sf --max-time 10 http://10.78.0.1/payload/kernel -o kernel || fail "no file after the noise"
cmp -s kernel payload/kernel || fail "a wrong file after the noise"
pass "$(paste -sd, noise.out) survived, $rss kB, a machine is served"
