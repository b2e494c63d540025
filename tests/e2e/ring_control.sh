#!/bin/bash
# The control path's socket beside the data path: the stream stays out of it, everything else comes in, and TCP segments whose
# checksum the sender left to hardware arrive complete.
. "$(dirname "$0")/lib.sh"
requires python3
TOOL=$LAB_ROOT/build/e2e/wire_tool
[ -x "$TOOL" ] || skip "build/e2e/wire_tool is not built: make e2e-programs"

# datagrams PORT: a hundred to the group from the kernel's stack.
datagrams()
{
    lab_exec "$LAB_SERVER" python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('192.0.2.1'))
for i in range(100):
    s.sendto(b'x' * 1472, ('239.255.1.2', $1))"
}

# connect: SYNs from a kernel whose interface promises to fill in checksums; nobody answers.
connect()
{
    lab_exec "$LAB_SERVER" python3 -c "
import socket
for i in range(20):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(('192.0.2.9', 7800))
    s.close()"
}

lab_up 1
lab_address "$LAB_SERVER" 192.0.2.1/24
ip -n "$LAB_SERVER" neighbour add 192.0.2.9 lladdr 52:49:4e:47:00:01 dev eth0
ip netns exec "$LAB_SERVER" ethtool -K eth0 tx on >/dev/null 2>&1 || true
ip netns exec "$LAB_SWITCH" ethtool -K p1 tx on >/dev/null 2>&1 || true # or the switch would fill them in
lab_start control "${LAB_RECEIVER[1]}" "$TOOL" control eth0 4
until_true 10 grep -q ready "$LAB_DIR/control.err" || fail "the control socket did not open"
datagrams 7800
datagrams 7801
connect
lab_wait control || fail "the control socket failed"
[ "$(json "$LAB_DIR/control.out" 'o["udp"]')" = 100 ] || fail "of the datagrams: $(cat "$LAB_DIR/control.out")"
[ "$(json "$LAB_DIR/control.out" 'o["tcp"] >= 20 and o["broken"] == 0')" = true ] ||
    fail "of the segments: $(cat "$LAB_DIR/control.out")"
pass "the stream stays out of the control socket, and checksums left to hardware are completed"
