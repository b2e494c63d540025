#!/bin/bash
# The room itself: frames pass, loss is what was asked for and repeats, nothing is left behind.
. "$(dirname "$0")/lib.sh"
requires python3 nft

FRAMES=20000        # few enough a millisecond that the default socket buffer holds them

# probe send|receive: numbered frames out of, or counted into, a packet socket on eth0.
probe()
{
    cat <<'PYTHON'
import socket, struct, sys, time
role, count = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
s.bind(("eth0", 0x88b5))
if role == "send":
    for n in range(count):
        s.send(b"\xff" * 6 + b"RINGab" + struct.pack(">HI", 0x88b5, n) + bytes(60))
        if n % 16 == 15:
            time.sleep(0.001)
else:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    print("ready", file=sys.stderr, flush=True)
    s.settimeout(10)
    seen = set()
    try:
        while count - 1 not in seen:
            seen.add(struct.unpack(">I", s.recv(2048)[14:18])[0])
            s.settimeout(2)
    except TimeoutError:
        pass
    print(len(seen), hash(frozenset(seen)))
PYTHON
}

# run TAG: sends FRAMES frames; what receiver i saw is in $LAB_DIR/TAG.i.out
run()
{
    local i
    for i in 1 2 3; do
        lab_start "$1.$i" "${LAB_RECEIVER[i]}" python3 "$LAB_DIR/probe.py" receive $FRAMES
    done
    for i in 1 2 3; do
        until_true 10 grep -q ready "$LAB_DIR/$1.$i.err" || fail "receiver $i did not start"
    done
    lab_exec "$LAB_SERVER" python3 "$LAB_DIR/probe.py" send $FRAMES
    for i in 1 2 3; do
        lab_wait "$1.$i" || fail "receiver $i"
    done
}

# seen TAG.I: how many frames it was.
seen()
{
    cut -d' ' -f1 "$LAB_DIR/$1.out"
}

lab_up 3
probe >"$LAB_DIR/probe.py"

run clean
for i in 1 2 3; do
    [ "$(seen "clean.$i")" = $FRAMES ] || fail "a clean line lost $((FRAMES - $(seen "clean.$i"))) of $FRAMES frames"
done
pass "three clean lines carry every frame"

lab_loss 2 5
lab_loss 3 10 8
run lossy
[ "$(seen lossy.1)" = $FRAMES ] || fail "loss on one line reached another"
for i in "2 5" "3 10"; do
    read -r port percent <<<"$i"
    lost=$((FRAMES - $(seen "lossy.$port")))
    low=$((FRAMES * percent * 8 / 1000)) high=$((FRAMES * percent * 12 / 1000))
    [ $lost -ge $low ] && [ $lost -le $high ] || fail "asked for $percent %, lost $lost of $FRAMES"
    pass "asked for $percent %, lost $lost of $FRAMES"
done

lab_loss 2 5
lab_loss 3 10 8
run again
for i in 2 3; do
    cmp -s "$LAB_DIR/lossy.$i.out" "$LAB_DIR/again.$i.out" || fail "the same seed lost other frames on line $i"
done
pass "the same seed loses the same frames"

# A script that dies in the middle leaves nothing either.
bash -c '. "$1/lib.sh"; lab_up 1; lab_start x "$LAB_SERVER" sleep 1000; echo $LAB_ID $LAB_DIR ${LAB_PID[x]}; kill -TERM $$; sleep 9' \
    "$0" "$(dirname "$0")" >"$LAB_DIR/dead.out" 2>/dev/null || true
read -r id dir pid <"$LAB_DIR/dead.out"
ip netns list | grep -q "^$id-" && fail "a namespace of $id was left"
[ ! -e "$dir" ] || fail "$dir was left"
[ ! -e "/proc/$pid" ] || fail "a process was left"
pass "a script that is killed leaves nothing"
