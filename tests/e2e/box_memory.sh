#!/bin/bash
# A box that has lost its memory, or some of it, is on hold although a session of ringcast.conf is to start by itself: it hands out addresses and
# nothing that erases, until a person lifts the hold. A restart does not ask again, another loss does.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" udhcpc curl python3
lab_up 2
made_box '[dhcp]\npool = 10.78.0.50-10.78.0.60\n[session]\nstart = now\n'
printf '#!/bin/sh\n[ "$1" = bound ] && echo "${boot_file:-none}" >"$ANSWER" || true\n' >answer.sh
chmod +x answer.sh
url=https://10.78.0.1/api/v1
lab_address "${LAB_RECEIVER[2]}" 10.78.0.99/24

box() { box_up "$@"; }
boots() # WORD: what a machine is told to load once the session of ringcast.conf runs: "none" or "receiver"
{
    local what=
    [ -z "$runs" ] || until_true 10 grep -q 'session 1 is running' box.err || fail "$2: no session: $(cat box.err)"
    rm -f answer
    ANSWER=$LAB_DIR/answer LAB_TIMEOUT=40 lab_exec "${LAB_RECEIVER[1]}" udhcpc -i eth0 -f -q -n -t 12 -T 1 -s "$LAB_DIR/answer.sh" \
        -V PXEClient:Arch:00007 -x 0x5d:0007 >ask.log 2>&1 || fail "no lease: $(cat ask.log)"
    what=$(cat answer)
    [ "${what/payload*/receiver}" = "$1" ] || fail "$2: expected $1, the machine boots $what; $(grep -i hold box.err)"
}
ask() { lab_exec "${LAB_RECEIVER[2]}" curl -sSk --max-time 20 -H "Authorization: Bearer $token" -o got "$@"; }
is_running() { ask $url/sessions && grep -q '"state":"running"' got; }
held() # REASON
{
    grep -q 'on hold, nothing is erased' box.err || fail "the log does not say so: $(cat box.err)"
    [ -z "$token" ] || until_true 10 is_running || fail "no session: $(cat got)"
    boots none "$1"
    if [ -n "$token" ]; then
        ask $url/hold
        grep -q "\"on_hold\":true.*\"reason\":\"$1\"" got || fail "expected $1: $(cat got)"
        ask $url/status
        grep -q '"hold":"On hold, nothing is erased: ' got || fail "the page is not told: $(head -c 600 got)"
    fi
}
lift()
{
    ask -X POST $url/hold/lift
    grep -q '"on_hold":false' got || fail "it is not lifted: $(cat got)"
    boots receiver "lifted"
}

runs=1
box
boots receiver "a first boot"
runs=
page_token "${LAB_RECEIVER[2]}"
token=$PAGE_TOKEN
lab_stop box
cp -a data whole

loses() # NAME REASON COMMAND...: a loss, a restart, the decision, a restart, and the loss again
{
    local name=$1 reason=$2
    shift 2
    rm -rf data
    cp -a whole data
    "$@"
    [ -n "$token" ] || runs=1
    box
    held "$reason"
    lab_stop box
    runs=
    box
    held "$reason"
    [ -z "$token" ] || lift
    lab_stop box
    if [ -n "$token" ]; then
        box
        boots receiver "decided"
        lab_stop box
        "$@"
        box
        held "$reason"
        lab_stop box
    fi
    pass "$name"
}
sector() { dd if=/dev/zero of=data/journal bs=512 count=1 conv=notrunc status=none; }
plan() # one bit of each record of a session
{
    python3 - <<'PYTHON'
import struct
b = bytearray(open("data/journal", "rb").read())
at = flipped = 0
at = 8
while at + 8 <= len(b):
    kind, nkey, nval = b[at + 4], b[at + 5], struct.unpack(">H", b[at + 6:at + 8])[0]
    if kind == 16 and nval:
        b[at + 8 + nkey + nval - 1] ^= 1
        flipped += 1
    at += 8 + nkey + nval
assert flipped
open("data/journal", "wb").write(b)
PYTHON
}
newer() # a record of a kind that a later version may have
{
    python3 - <<'PYTHON'
import struct, zlib
b = bytearray(open("data/journal", "rb").read())
nonce = bytes(b[8 + 8 + 4 + 1:8 + 8 + 4 + 9])
rest = bytes([77, 1]) + struct.pack(">H", 3) + b"k" + b"new"
b += struct.pack(">I", zlib.crc32(rest, zlib.crc32(nonce))) + rest
open("data/journal", "wb").write(b)
PYTHON
}
again() { rm -rf data; cp -a whole data; "$@"; }

loses "a damaged record of the plan" memory-damaged plan
again newer
box
held memory-unread
lift
lab_stop box
box
boots receiver "agreed to what cannot be understood"
grep -qa new data/journal || fail "the record is gone"
lab_stop box
pass "records of a newer version stay, and are asked about once"
token= # the password is lost with the rest
loses "a lost first sector" memory-damaged sector
loses "an empty file" memory-lost truncate -s 0 data/journal
loses "no file beside the key" memory-lost rm data/journal
rm -rf data
mkdir data
runs=1
box --data-grown-before
held memory-lost
lab_stop box
rm -rf data
mkdir data
box
boots receiver "a folder that is new"
lab_stop box
pass "an empty folder is a loss where the partition was in use before, and a first boot elsewhere"
