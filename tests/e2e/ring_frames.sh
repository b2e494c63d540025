#!/bin/bash
# Datagrams over real frames, through a bridge: nothing lost, doubled, reordered or altered, whichever way they are sent; a
# reader that stalls 200 ms at the rate of a full Gbit/s loses nothing; the pace stays below the set rate.
. "$(dirname "$0")/lib.sh"
requires python3 tcpdump
TOOL=$LAB_ROOT/build/e2e/wire_tool
[ -x "$TOOL" ] || skip "build/e2e/wire_tool is not built: make e2e-programs"

# hear_frames NAME [STALL_MS]: a receiver that listens. heard_frames NAME: all is sent, it counts what has arrived and ends.
hear_frames()
{
    lab_start "$1.recv" "${LAB_RECEIVER[1]}" "$TOOL" recv eth0 "${2:-0}"
    until_true 10 grep -q ready "$LAB_DIR/$1.recv.err" || fail "$1: the receiver did not start"
}

heard_frames()
{
    kill -TERM "${LAB_PID[$1.recv]}"
    lab_wait "$1.recv" || fail "$1: the receiver failed"
}

# pass_frames NAME STALL_MS SENDER_ARGS: one sender, one receiver; their reports are in $LAB_DIR/NAME.{recv,send}.out
pass_frames()
{
    local name=$1 stall=$2
    shift 2
    hear_frames "$name" "$stall"
    lab_exec "$LAB_SERVER" "$TOOL" send eth0 "$@" >"$LAB_DIR/$name.send.out" 2>"$LAB_DIR/$name.send.err"
    heard_frames "$name"
}

# whole NAME: everything sent arrived, in order.
whole()
{
    local sent
    sent=$(json "$LAB_DIR/$1.send.out" 'o["accepted"] if o["error"] == 0 and o["sent"] == o["accepted"] else -1')
    [ "$sent" -gt 1000 ] || fail "$1: $(cat "$LAB_DIR/$1.send.out")"
    [ "$(json "$LAB_DIR/$1.recv.out" 'o["good"]')" = "$sent" ] &&
        [ "$(json "$LAB_DIR/$1.recv.out" 'o["bad"] + o["twice"] + o["backward"] + o["dropped"] + o["malformed"]')" = 0 ] ||
        fail "$1: $sent sent, $(cat "$LAB_DIR/$1.recv.out")"
    say "     $1: $sent datagrams"
}

lab_up 1
RATE=12500000 # 100 Mbit/s: the way, not the speed, is the matter here
for way in plain bypass offload; do
    pass_frames "$way" 0 1 $RATE $way
    whole $way
done

# Segmentation left to the peer: super-frames arrive as they are sent, and are taken apart.
for ns in "$LAB_SERVER" "${LAB_RECEIVER[1]}"; do
    ip netns exec "$ns" ethtool -K eth0 tx on gso on tx-udp-segmentation on gro on >/dev/null 2>&1 || true
done
for port in p0 p1; do
    ip netns exec "$LAB_SWITCH" ethtool -K $port tx on gso on tx-udp-segmentation on gro on >/dev/null 2>&1 || true
done
pass_frames super 0 1 $RATE offload
whole super

# 200 ms of 1 Gbit/s are 25 MB, less than half of the ring. They are sent in a second, and all of it would fit: a busy machine that lets
# the reader wait for longer loses nothing either.
pass_frames stall 1000 2 25000000 offload
whole stall

# A reader that sleeps until all is sent, of more than the ring holds: the lost ones are counted to the frame.
pass_frames overrun -1 3 122000000 plain
[ "$(json "$LAB_DIR/overrun.recv.out" 'o["dropped"] > 0 and o["bad"] + o["twice"] + o["backward"] == 0')" = true ] &&
    [ "$(json "$LAB_DIR/overrun.recv.out" 'o["good"] + o["dropped"]')" = "$(json "$LAB_DIR/overrun.send.out" 'o["accepted"]')" ] ||
    fail "overrun: $(cat "$LAB_DIR/overrun.send.out" "$LAB_DIR/overrun.recv.out")"
say "     overrun: $(json "$LAB_DIR/overrun.recv.out" 'o["dropped"]') lost and counted"

# last_says NAME WORD: the last line that it has said.
last_says()
{
    [ "$(tail -n 1 "$LAB_DIR/$1.err")" = "$2" ]
}

# The link goes down for a moment: the sender goes on afterwards.
for way in plain offload; do
    hear_frames "down-$way"
    lab_start "down-$way.send" "$LAB_SERVER" "$TOOL" send eth0 60 $RATE $way
    until_true 20 last_says "down-$way.recv" hears || fail "down-$way: nothing arrives"
    ip -n "$LAB_SERVER" link set eth0 down
    until_true 20 last_says "down-$way.send" down || fail "down-$way: the sender does not see it"
    until_true 20 last_says "down-$way.recv" silent || fail "down-$way: the link is not down"
    ip -n "$LAB_SERVER" link set eth0 up
    until_true 20 last_says "down-$way.recv" hears || fail "down-$way: the sender does not go on"
    kill -TERM "${LAB_PID[down-$way.send]}"
    lab_wait "down-$way.send" || fail "down-$way: the sender failed"
    heard_frames "down-$way"
    [ "$(json "$LAB_DIR/down-$way.send.out" 'o["error"]')" = 0 ] &&
        [ "$(json "$LAB_DIR/down-$way.recv.out" 'o["span"]')" = "$(json "$LAB_DIR/down-$way.send.out" 'o["sent"]')" ] ||
        fail "down: $(cat "$LAB_DIR/down-$way.send.out" "$LAB_DIR/down-$way.recv.out")"
    say "     down-$way: $(json "$LAB_DIR/down-$way.recv.out" '"%d of %d" % (o["good"], o["span"])')"
done

# Frames that were tagged on the way (VLAN 0, priority) are taken; fragments, IP options and other lengths are not.
"$TOOL" write "$LAB_DIR/datagrams" 60
cat >"$LAB_DIR/odd.py" <<'PYTHON'
import socket, struct, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import ringpacket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for i, d in enumerate(ringpacket.datagrams(sys.argv[2])):
    f = ringpacket.frame(d)
    if i % 6 == 1:
        f = f[:12] + struct.pack(">HH", 0x8100, 5 << 13) + f[12:]
    elif i % 6 == 2:
        f = f[:20] + b"\x20\x00" + f[22:]
    elif i % 6 == 3:
        f = f[:14] + b"\x46" + f[15:]
    elif i % 6 == 4:
        f = ringpacket.frame(d[:-1])
    elif i % 6 == 5:
        f = f[:36] + b"\x1e\x79" + f[38:]
    s.send(f)
PYTHON
hear_frames odd
lab_exec "$LAB_SERVER" python3 "$LAB_DIR/odd.py" "$LAB_ROOT/tools" "$LAB_DIR/datagrams"
heard_frames odd
[ "$(json "$LAB_DIR/odd.recv.out" '[o["good"], o["bad"], o["malformed"]]')" = "[20, 10, 0]" ] ||
    fail "odd: $(cat "$LAB_DIR/odd.recv.out")"

pass "frames arrive whole: plain, past the queue, cut by the kernel, cut by the receiver; a stall of 200 ms loses nothing"
