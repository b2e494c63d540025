#!/bin/bash
# Datagrams over real frames, through a bridge: nothing lost, doubled, reordered or altered, whichever way they are sent; a
# reader that stalls 200 ms at the rate of a full Gbit/s loses nothing; the pace stays below the set rate.
. "$(dirname "$0")/lib.sh"
requires python3 tcpdump
TOOL=$LAB_ROOT/build/e2e/wire_tool
[ -x "$TOOL" ] || skip "build/e2e/wire_tool is not built: make e2e-programs"

# pass_frames NAME RECEIVER_ARGS -- SENDER_ARGS: one sender, one receiver; their reports are in $LAB_DIR/NAME.{recv,send}.out
pass_frames()
{
    local name=$1 receiver=()
    shift
    while [ "$1" != -- ]; do
        receiver+=("$1")
        shift
    done
    shift
    lab_start "$name.recv" "${LAB_RECEIVER[1]}" "$TOOL" recv eth0 "${receiver[@]}"
    until_true 10 grep -q ready "$LAB_DIR/$name.recv.err" || fail "$name: the receiver did not start"
    lab_exec "$LAB_SERVER" "$TOOL" send eth0 "$@" >"$LAB_DIR/$name.send.out"
    lab_wait "$name.recv" || fail "$name: the receiver failed"
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
    pass_frames "$way" 1 -- 1 $RATE $way
    whole $way
done

# Segmentation left to the peer: super-frames arrive as they are sent, and are taken apart.
for ns in "$LAB_SERVER" "${LAB_RECEIVER[1]}"; do
    ip netns exec "$ns" ethtool -K eth0 tx on gso on tx-udp-segmentation on gro on >/dev/null 2>&1 || true
done
for port in p0 p1; do
    ip netns exec "$LAB_SWITCH" ethtool -K $port tx on gso on tx-udp-segmentation on gro on >/dev/null 2>&1 || true
done
pass_frames super 1 -- 1 $RATE offload
whole super

# 200 ms of 1 Gbit/s are 25 MB: less than half of the ring.
pass_frames stall 1 200 -- 1 122000000 offload
whole stall

pass "frames arrive whole: plain, past the queue, cut by the kernel, cut by the receiver; a stall of 200 ms loses nothing"
