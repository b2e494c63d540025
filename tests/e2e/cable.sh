#!/bin/bash
# A cable pulled in mid-restore, on a snooping switch that then has forgotten the port's groups and does not ask again; an
# interface taken down, a receiver's and the server's: all go on when the line is back.
. "$(dirname "$0")/lib.sh"
requires python3

small_ring
lab_up 2
serve_small --rate 40Mbit

# ask_groups: one IGMPv2 general query from the server's port. The switch snoops from then on, but does not ask by itself.
ask_groups()
{
    lab_exec "$LAB_SERVER" python3 - <<'PYTHON'
import socket, struct
def checksum(b):
    s = sum(struct.unpack(f">{len(b) // 2}H", b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return struct.pack(">H", ~s & 0xffff)
igmp = b"\x11\x0a\0\0\0\0\0\0"
igmp = igmp[:2] + checksum(igmp) + igmp[4:]
ip = bytes.fromhex("46c0002000000000010200000a4e0001e000000194040000")
ip = ip[:10] + checksum(ip) + ip[12:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind(("eth0", 0))
s.send(bytes.fromhex("01005e000001" "52494e470000" "0800") + ip + igmp)
PYTHON
}
ip -n "$LAB_SWITCH" link set br0 type bridge mcast_snooping 1

receiving() { grep -q "52:49:4e:47:00:0$1 (10.78.0.1$1): receiving" "$LAB_DIR/serve.err"; }

# Receiver 2 stays in the group, so the switch has no reason to flood it.
ring_restore 2 --write-limit 100kB --memory 288MiB
ring_restore 1 --timeout 15
until_true 20 receiving 1 && until_true 20 receiving 2 || fail "the receivers did not begin"
ask_groups
sleep 2
ip -n "$LAB_SWITCH" link set p1 down
sleep 2 # the subject: the cable is out
ip -n "$LAB_SWITCH" link set p1 up
ring_passed 1
pass "a cable pulled behind a snooping switch"
lab_stop ring2 KILL

rm "$LAB_DIR/disk1"
: >"$LAB_DIR/serve.err"
ring_restore 1 --timeout 15
until_true 20 receiving 1 || fail "the receiver did not begin"
ip -n "${LAB_RECEIVER[1]}" link set eth0 down
sleep 2 # the subject: the interface is down
ip -n "${LAB_RECEIVER[1]}" link set eth0 up
sleep 1 # and, between, up
ip -n "$LAB_SERVER" link set eth0 down
sleep 1 # the subject: the interface is down
ip -n "$LAB_SERVER" link set eth0 up
ring_passed 1
grep -q 'the link is down: waiting' "$LAB_DIR/serve.err" || fail "the server does not say that its link is down"
pass "interfaces taken down at both ends"

# So long that the server gives the receiver up and suspends the stream, and the receiver joins again. The server was there all the time
# and has counted its beacons: it must hear it all the same.
lab_stop serve
rm "$LAB_DIR/disk1"
serve_small --rate 20Mbit
ring_restore 1 --timeout 60
until_true 20 receiving 1 || fail "the receiver did not begin"
sleep 11 # the subject: the server has counted beacons for so long
ip -n "$LAB_SWITCH" link set p1 down
until_true 40 grep -q 'fell silent while receiving' "$LAB_DIR/serve.err" || fail "the server does not miss the receiver"
ip -n "$LAB_SWITCH" link set p1 up
until_true 20 grep -q '52:49:4e:47:00:01 (10.78.0.11) is back' "$LAB_DIR/serve.err" || fail "the server does not hear the receiver again"
ring_passed 1
until_true 10 grep -q '52:49:4e:47:00:01 (10.78.0.11): pass' "$LAB_DIR/serve.err" || fail "the server has not heard of the pass"
pass "a cable pulled for long: who joins again is heard"
