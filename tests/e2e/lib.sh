# shellcheck shell=bash
# lib.sh - a prep room in network namespaces: one bridge (the switch), one server port, N receiver ports.
#
# A script sources this file, says what it needs, and builds its room:
#
#   . "$(dirname "$0")/lib.sh"
#   requires tcpdump                     # exit 77 (skipped) with the reason when it is not there
#   lab_up 3                             # namespaces $LAB_SERVER and ${LAB_RECEIVER[1..3]}, all joined by $LAB_SWITCH
#   lab_loss 2 1                         # 1 % of the frames towards receiver 2 are lost
#   lab_start serve "$LAB_SERVER" ringcast serve ...     # in the background; its output in $LAB_DIR/serve.{out,err}
#   lab_exec "${LAB_RECEIVER[1]}" ringcast restore ...
#   lab_wait serve                       # its exit status
#
# Every namespace has one interface, eth0, up, with no kernel address and no offloads: the program brings its own IP stack.
# The switch's side of eth0 is p0 (server) and p1..pN (receivers). Names carry the process id, so runs do not collide.
# Whatever way the script ends, its processes, namespaces and $LAB_DIR are gone afterwards (LAB_KEEP=1 keeps $LAB_DIR).
#
# Someone who is not root gets the same room inside a user namespace of his own.
set -eEu -o pipefail
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RINGCAST=${RINGCAST:-$LAB_ROOT/build/ringcast}
LAB_ID=rc$$
LAB_SWITCH=$LAB_ID-switch
LAB_SERVER=$LAB_ID-server
LAB_RECEIVER=()
LAB_DIR=
LAB_ON_EXIT=()
declare -A LAB_PID=()

#
# What the script says
#
say()
{
    echo "$*" >&2
}

fail()
{
    local log
    say "FAIL ${0##*/}: $*"
    for log in "$LAB_DIR"/*.err; do
        [ -s "$log" ] && { say "--- the end of ${log##*/}"; tail -n 12 "$log" >&2; }
    done
    exit 1
}

pass()
{
    say "ok   ${0##*/}: $*"
}

skip()
{
    say "skip ${0##*/}: $*"
    exit 77
}

#
# What it needs
#

# requires PROG...: programs or files without which the script is skipped.
requires()
{
    local need
    for need; do
        case $need in
        */*) [ -e "$need" ] || skip "$need is not there" ;;
        *) command -v "$need" >/dev/null || skip "$need is not installed" ;;
        esac
    done
}

# Into a user namespace, unless we may make network namespaces as we are. Runs the script anew from its first line.
lab_become_root()
{
    [ "$(id -u)" != 0 ] || return 0
    unshare -Urnm true 2>/dev/null || skip "neither root nor allowed to make user namespaces"
    exec unshare -Urnm bash -c 'mount -t tmpfs tmpfs /run && exec bash "$0" "$@"' "$0" "${LAB_ARGS[@]}"
}

LAB_ARGS=("$@")
lab_become_root
LAB_DIR=$(mktemp -d "${TMPDIR:-/var/tmp}/$LAB_ID.XXXXXX")
trap lab_down EXIT
trap 'say "FAIL ${0##*/}: line $LINENO: $BASH_COMMAND"' ERR
trap 'exit 130' INT
trap 'exit 143' TERM

#
# The room
#

# lab_up N: the switch, the server's port and N receivers' ports.
lab_up()
{
    local i
    requires ip ethtool
    ip netns add "$LAB_SWITCH" 2>/dev/null || skip "network namespaces cannot be made here"
    ip -n "$LAB_SWITCH" link add br0 type bridge mcast_snooping 0 || skip "the kernel has no bridge"
    lab_quiet "$LAB_SWITCH"
    ip -n "$LAB_SWITCH" link set br0 up
    lab_port "$LAB_SERVER" p0 52:49:4e:47:00:00
    for ((i = 1; i <= $1; i++)); do
        LAB_RECEIVER[i]=$LAB_ID-r$i
        lab_port "${LAB_RECEIVER[i]}" "p$i" "$(printf '52:49:4e:47:00:%02x' "$i")"
    done
}

# lab_port NS PORT MAC: one machine plugged into the switch.
lab_port()
{
    ip netns add "$1"
    lab_quiet "$1"
    ip -n "$LAB_SWITCH" link add "$2" type veth peer name eth0 address "$3" netns "$1"
    # With transmit offloads on, frames between namespaces carry checksums that nobody has computed yet, and come
    # merged past the MTU. A wire has neither.
    ip netns exec "$1" ethtool -K eth0 tx off tso off gso off gro off >/dev/null 2>&1
    ip netns exec "$LAB_SWITCH" ethtool -K "$2" tx off tso off gso off gro off >/dev/null 2>&1
    ip -n "$LAB_SWITCH" link set "$2" master br0 up
    ip -n "$1" link set eth0 up
}

# lab_quiet NS: a kernel that says nothing of its own on the wire, and whose bridge asks no iptables about frames.
lab_quiet()
{
    ip netns exec "$1" sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
    ip netns exec "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || true
    ip -n "$1" link set lo up
}

# lab_address NS CIDR: gives the namespace's kernel an address, for peers that use its IP stack.
lab_address()
{
    ip -n "$1" address add "$2" broadcast + dev eth0
    ip -n "$1" route add 224.0.0.0/4 dev eth0
}

# lab_snooping: the switch forwards multicast only to ports whose machine joined the group, as good switches do, and is
# the querier. Bridges flood for one query response interval after they become querier: it is set to a second here.
lab_snooping()
{
    ip -n "$LAB_SWITCH" link set br0 type bridge mcast_snooping 1 mcast_query_response_interval 100 \
        mcast_startup_query_interval 100 mcast_query_interval 1000
    ip -n "$LAB_SWITCH" link set br0 type bridge mcast_querier 1
}

# lab_loss PORT PERCENT [BURST]: of all frames towards receiver PORT, PERCENT are lost, singly or in runs of BURST frames.
# Which of each 65536 frames they are is drawn once, from LAB_SEED and PORT, so two runs lose alike. The drop sits on the
# switch's side: a capture socket on eth0 itself would see the frame before any filter could drop it.
lab_loss()
{
    requires nft python3
    lab_no_loss "$1"
    ip netns exec "$LAB_SWITCH" nft -f - <<RULES || skip "nft cannot filter on egress here"
        table netdev loss$1 {
            chain out {
                type filter hook egress device "p$1" priority 0;
                numgen inc mod 65536 vmap { $(lab_draw "$@") };
            }
        }
RULES
}

# lab_draw PORT PERCENT [BURST]: the elements "n : drop" of that map.
lab_draw()
{
    python3 - "$1" "$2" "${3:-1}" "${LAB_SEED:-1}" <<'PYTHON'
import random, sys
port, percent, burst, seed = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rng, lost, want = random.Random(seed * 1000 + port), set(), round(65536 * percent / 100)
while len(lost) < want:
    start = rng.randrange(65536)
    lost.update((start + i) % 65536 for i in range(min(burst, want - len(lost))))
print(", ".join(f"{n} : drop" for n in sorted(lost)))
PYTHON
}

# lab_no_loss PORT: the line is good again.
lab_no_loss()
{
    ip netns exec "$LAB_SWITCH" nft delete table netdev "loss$1" 2>/dev/null || true
}

# lab_on_exit COMMAND: is run when the script ends, before the room goes; the last one given first.
lab_on_exit()
{
    LAB_ON_EXIT=("$1" "${LAB_ON_EXIT[@]}")
}

# lab_down: the end of everything lab_up and lab_start made. Runs by itself when the script ends.
lab_down()
{
    local status=$? ns pid command
    trap '' INT TERM ERR
    set +e
    for command in "${LAB_ON_EXIT[@]}"; do
        eval "$command"
    done
    [ -z "${LAB_KEEP:-}" ] || say "kept $LAB_DIR"
    exec 2>/dev/null    # the shell would report each process it loses
    for ns in "$LAB_SERVER" "${LAB_RECEIVER[@]}" "$LAB_SWITCH"; do
        [ -e "/run/netns/$ns" ] || continue
        for pid in $(ip netns pids "$ns"); do
            kill -KILL "$pid"
        done
        ip netns delete "$ns"
    done
    for pid in $(jobs -pr); do
        kill -KILL "$pid"    # started a moment ago, it had not reached its namespace
    done
    wait
    [ -n "${LAB_KEEP:-}" ] || rm -rf "$LAB_DIR"
    exit "$status"
}

#
# What runs in it
#

# lab_exec NS CMD...: in the foreground, at most LAB_TIMEOUT seconds (default 60; then its status is 124).
lab_exec()
{
    local ns=$1
    shift
    timeout --foreground -k 5 "${LAB_TIMEOUT:-60}" ip netns exec "$ns" "$@"
}

# lab_start NAME NS CMD...: in the background; output in $LAB_DIR/NAME.out and .err, process id in ${LAB_PID[NAME]}.
lab_start()
{
    local name=$1 ns=$2
    shift 2
    # Emptied here and not by the child, which comes later: nobody shall find what an earlier one of the name has said.
    : >"$LAB_DIR/$name.out"
    : >"$LAB_DIR/$name.err"
    ip netns exec "$ns" "$@" >>"$LAB_DIR/$name.out" 2>>"$LAB_DIR/$name.err" </dev/null &
    LAB_PID[$name]=$!
}

# lab_stop NAME [SIGNAL]: ends it and waits until it is gone.
lab_stop()
{
    kill "-${2:-TERM}" "${LAB_PID[$1]}" 2>/dev/null || true
    lab_wait "$1" 2>/dev/null || true   # the shell would report that it was killed
}

# lab_wait NAME [SECONDS]: its exit status; 124 when it is still there after SECONDS (default 60).
lab_wait()
{
    local pid=${LAB_PID[$1]} deadline=$((SECONDS + ${2:-60})) status=0
    while [ -e "/proc/$pid" ] && ! grep -qs '^State:.Z' "/proc/$pid/status"; do
        [ $SECONDS -lt $deadline ] || return 124
        sleep 0.1
    done
    wait "$pid" || status=$?
    return $status
}

# until_true SECONDS CMD...: tries CMD ten times a second.
until_true()
{
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

# lab_capture NAME NS [FILTER...]: tcpdump into $LAB_DIR/NAME.pcap, nanosecond stamps, the first 128 bytes of each frame.
# Returns when it listens. Ends by lab_stop NAME.
lab_capture()
{
    local name=$1 ns=$2
    shift 2
    requires tcpdump
    lab_start "$name" "$ns" tcpdump -Z root -i eth0 -s 128 -B 65536 -U --time-stamp-precision=nano -w "$LAB_DIR/$name.pcap" "$@"
    until_true 10 grep -q 'listening on' "$LAB_DIR/$name.err" || fail "tcpdump did not start"
}

# json FILE EXPR: evaluates a Python expression over the last JSON object printed in FILE, as o: json r1.out 'o["seconds"]'
json()
{
    python3 - "$1" "$2" <<'PYTHON'
import json, sys
text, o, at = open(sys.argv[1]).read(), None, 0
decoder = json.JSONDecoder()
while (at := text.find("{", at)) >= 0:
    try:
        o, at = decoder.raw_decode(text, at)
    except ValueError:
        at += 1
value = eval(sys.argv[2], {"o": o})
print(str(value).lower() if isinstance(value, bool) else value)
PYTHON
}

# expect STATUS CMD...: runs CMD (output in $LAB_DIR/expect.{out,err}) and fails unless it exits with STATUS.
expect()
{
    local want=$1 status=0
    shift
    "$@" >"$LAB_DIR/expect.out" 2>"$LAB_DIR/expect.err" || status=$?
    [ "$status" = "$want" ] || fail "exit $status instead of $want: $*"
}

# expect_says PATTERN: what the last expect printed on stderr has a line matching PATTERN.
expect_says()
{
    grep -Eqi -- "$1" "$LAB_DIR/expect.err" || fail "does not say '$1'"
}

# flip FILE OFFSET: damages one byte of the file, whatever stands there: all its bits are inverted. A negative offset counts from the end.
flip()
{
    python3 - "$1" "$2" <<'PYTHON' || fail "flip $*: nothing is damaged"
import os, sys
with open(sys.argv[1], "r+b") as f:
    at = f.seek(int(sys.argv[2]), os.SEEK_END if int(sys.argv[2]) < 0 else os.SEEK_SET)
    byte = f.read(1)
    f.seek(at)
    f.write(bytes([byte[0] ^ 0xFF]))
    f.flush()
    f.seek(at)
    assert f.read(1) != byte
PYTHON
}

#
# What is sent
#

# made_machine BYTES: ./root, in which `ringcast target --root root` finds a machine with one virtio disk of that size, root/dev/vda.
made_machine()
{
    local disk=root/sys/devices/pci0000:00/0000:00:03.0/virtio0/block/vda
    mkdir -p root/sys/block root/dev root/proc/self "$disk/queue"
    : >root/proc/self/mountinfo
    truncate -s "$1" root/dev/vda
    echo $(($1 / 512)) >"$disk/size"
    echo 512 >"$disk/queue/logical_block_size"
    echo 0 | tee "$disk/ro" >"$disk/removable"
    echo disk-0 >"$disk/serial"
    echo 254:0 >"$disk/dev"
    ln -s "../../${disk#root/}" root/sys/block/vda
}

# small_ring: $LAB_DIR/small.img, a made-up disk, and what `ringcast pack` makes of it: small.ring, signed by small.key.
small_ring()
{
    requires "$RINGCAST" mke2fs mcopy sgdisk
    "$LAB_ROOT/tools/mkdisk" --small "$LAB_DIR/small.img" 2>/dev/null
    "$RINGCAST" key -o "$LAB_DIR/small" 2>/dev/null
    "$RINGCAST" pack "$LAB_DIR/small.img" -o "$LAB_DIR/small.ring" --key "$LAB_DIR/small.key" --name small --level 1 \
        2>"$LAB_DIR/pack.err" || fail "pack"
}

# page_token NS: sets the password of the box that was started as "box" at 10.78.0.1; PAGE_TOKEN is a program's token from then on.
page_token()
{
    local url=https://10.78.0.1/api/v1 code csrf
    code=$(sed -n 's/^No password is set. The set-up code is \([0-9A-Z-]*\)\.$/\1/p' "$LAB_DIR/box.err")
    csrf=$(lab_exec "$1" curl -sSk --max-time 20 -c "$LAB_DIR/jar" -H 'Content-Type: application/json' \
        -d "{\"code\":\"$code\",\"password\":\"correct horse\"}" $url/setup | sed 's/.*"csrf":"//; s/".*//')
    PAGE_TOKEN=$(lab_exec "$1" curl -sSk --max-time 20 -b "$LAB_DIR/jar" -H "X-Ringcast-CSRF: $csrf" -H 'Content-Type: application/json' \
        -d '{"name":"test"}' $url/tokens | sed 's/.*"token":"//; s/".*//')
    [ ${#PAGE_TOKEN} = 64 ] || fail "no token: $PAGE_TOKEN"
}

# turns_from METRICS [BEFORE]: "P LONGEST" in seconds, of the turns of the control thread: 99.9 % took no longer than P. With BEFORE those since.
turns_from()
{
    python3 - "$@" <<'PYTHON'
import math, re, sys
def read(name):
    text = open(name, encoding="utf-8").read()
    buckets = {float(le): int(n) for le, n in re.findall(r'ringcast_control_turn_seconds_bucket\{le="(\S+)"\} (\d+)', text)}
    return buckets, float(re.search(r"(?m)^ringcast_control_longest_turn_seconds (\S+)", text)[1])
now, longest = read(sys.argv[1])
before = read(sys.argv[2])[0] if sys.argv[2:] else {}
turns = {le: n - before.get(le, 0) for le, n in now.items()}
print(min(le for le, n in turns.items() if n >= 0.999 * turns[math.inf]), longest)
PYTHON
}

# hello NS ADDRESS [person]: what the box at ADDRESS answers a machine with the MAC of that namespace's eth0: "welcome", or the sentence of a
# refusal. A machine that was netbooted asks by itself; `person`: somebody gave the order at it.
hello()
{
    lab_exec "$1" python3 - "$2" "${3:-}" <<'PYTHON'
import os, socket, struct, sys
mac = bytes.fromhex(open("/sys/class/net/eth0/address").read().strip().replace(":", ""))
body = mac + os.urandom(8) + b"\0" + (b"\1" if sys.argv[2] else b"")
s = socket.create_connection((sys.argv[1], 7800), timeout=10)
s.sendall(b"RING\1\1" + struct.pack(">H", len(body)) + body)
said = s.makefile("rb").read()
print("welcome" if said[5] == 2 else "a list" if said[5] == 4 else said[11:].decode())
PYTHON
}

# made_payload: $LAB_DIR/payload, what a box gives to machines that boot; at the end of those that carry its page there is an empty one.
made_payload()
{
    requires python3
    mkdir -p "$LAB_DIR/payload"
    python3 - "$LAB_DIR/payload/" <<'PYTHON'
import sys
page = b"RINGCAST-BOX-IDENTITY-1\n".ljust(1024, b"\n")
for name in "ringcast-x86_64.efi", "initrd", "kernel", "undionly.kpxe":
    open(sys.argv[1] + name, "wb").write(b"head" * 9999 + (page if name in ("ringcast-x86_64.efi", "initrd") else b""))
PYTHON
}

# made_box CONFIG: the working folder is $LAB_DIR, with what a box is started from: images/small.ring, data, payload, and ringcast.conf, which is
# CONFIG behind the box's address.
made_box()
{
    small_ring
    cd "$LAB_DIR"
    mkdir data images
    mv small.ring images/
    made_payload
    printf "[box]\naddress = 10.78.0.1/24\n$1" >ringcast.conf
}

# box_up [OPTION...]: starts it as "box"; returns when it is up. A later --config or --data takes the place of the one here.
box_up()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --payload payload --data data "$@"
    until_true 30 grep -q 'is up on eth0' box.err || fail "the box does not start: $(cat box.err)"
}

# serve_small [OPTION...]: the server's namespace serves it, as 10.78.0.1.
serve_small()
{
    lab_start serve "$LAB_SERVER" "$RINGCAST" serve --interface eth0 --address 10.78.0.1/24 --rate 100Mbit "$@" \
        "$LAB_DIR/small.ring"
    until_true 20 test -s "$LAB_DIR/serve.err" || fail "the server says nothing"
}

# ring_options I: how receiver I takes the small disk from the ring; its disk is $LAB_DIR/disk$I.
ring_options()
{
    RING_OPTIONS=(--source ringcast://10.78.0.1/small --target "$LAB_DIR/disk$1" --create --erase --noprompt --json --timeout 20
        --key "$LAB_DIR/small.pub" --interface eth0 --address "10.78.0.$((10 + $1))/24")
}

# ring_restore I [OPTION...]: receiver I starts, in the background, as "ringI".
ring_restore()
{
    local i=$1
    shift
    ring_options "$i"
    lab_start "ring$i" "${LAB_RECEIVER[i]}" "$RINGCAST" restore "${RING_OPTIONS[@]}" "$@"
}

# ring_writes I MIB: waits until receiver I has that much on its disk.
ring_writes()
{
    until_true 60 eval "[ \$(stat -c %b $LAB_DIR/disk$1) -ge $(($2 * 2048)) ]" || fail "receiver $1 has not written $2 MiB: $(cat "$LAB_DIR/ring$1.err")"
}

# ring_passed I: waits for receiver I and fails unless it reports success and its disk holds the small disk.
ring_passed()
{
    lab_wait "ring$1" "${2:-60}" || fail "receiver $1 ended with status $?"
    [ "$(json "$LAB_DIR/ring$1.out" 'o["result"]')" = pass ] || fail "receiver $1 does not report success"
    same_disk "$LAB_DIR/small.img" "$LAB_DIR/disk$1"
}

# partition_table DISK: its kind and identifier, then a line a partition: first byte, bytes, and all else that is said of it.
partition_table()
{
    sfdisk -J "$1" 2>/dev/null | python3 -c '
import json, sys
table = json.load(sys.stdin)["partitiontable"]
print(table["label"], table["id"], table.get("firstlba"), table.get("lastlba"))
for p in table["partitions"]:
    print(p["start"] * table["sectorsize"], p["size"] * table["sectorsize"], p["type"], p.get("uuid"), p.get("name"), p.get("attrs"))' 2>/dev/null
}

# same_disk SOURCE COPY: fails unless the copy has the source's partition table, the same bytes in every partition (in an
# ext4 one: in every block in use), and ext4 checks clean.
same_disk()
{
    local start size n=0
    partition_table "$1" >"$LAB_DIR/table1"
    partition_table "$2" >"$LAB_DIR/table2" || fail "$2 has no partition table"
    cmp -s "$LAB_DIR/table1" "$LAB_DIR/table2" || fail "$2 has another partition table"
    while read -r start size; do
        n=$((n + 1))
        if e2fsck -fn "$1?offset=$start" >/dev/null 2>&1; then
            e2fsck -fn "$2?offset=$start" >"$LAB_DIR/fsck.err" 2>&1 || fail "partition $n of $2 does not check clean"
            e2image -ra -o "$start" "$1" "$LAB_DIR/used1" >/dev/null 2>&1
            e2image -ra -o "$start" "$2" "$LAB_DIR/used2" >/dev/null 2>&1
            cmp "$LAB_DIR/used1" "$LAB_DIR/used2" >&2 || fail "partition $n of $2 holds something else"
            rm "$LAB_DIR/used1" "$LAB_DIR/used2"
        else
            cmp -n "$size" -i "$start" "$1" "$2" >&2 || fail "partition $n of $2 holds something else"
        fi
    done < <(awk 'NR > 1 { print $1, $2 }' "$LAB_DIR/table1")
    [ $n -gt 0 ] || fail "no partitions in $1"
}
