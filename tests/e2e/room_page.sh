#!/bin/bash
# The page of a real box with two hundred machines in every state there is: booting, joined, waiting, receiving, verifying, PASS, FAIL,
# left, lost, and culprits in words. The machines are room_tool's, over a real switch; the browser is Debian's Chromium.
#   tests/e2e/room_page.sh [FOLDER]   keeps the pictures there; make pictures, make demo
folder=${1:+$(readlink -m "$1")}
. "$(dirname "$0")/lib.sh"
TOOL=$LAB_ROOT/build/e2e/room_tool
requires "$RINGCAST" node chromium "$TOOL" "$LAB_ROOT/build/gen/www/index.html.gz"
machines=200
lab_up 2
small_ring
made_payload
cd "$LAB_DIR"
mkdir data images pictures
"$RINGCAST" pack small.img -o images/classroom.ring --key small.key --name classroom --level 1 2>pack.err || fail "pack"
cat >ringcast.conf <<'CONF'
[box]
address = 10.78.0.1/16
name = prep-room
[dhcp]
pool = 10.78.2.1-10.78.3.250
[ring]
rate = 200Mbit
CONF
# The list of a person: all of them, and three that never come.
for ((i = 0; i < machines + 3; i++)); do
    printf '52:54:01:00:%02x:%02x,pc-%03d,A-%d,row %d seat %d\n' $((i / 256)) $((i % 256)) $((i + 1)) $((1001 + i)) $((1 + i / 20)) $((1 + i % 20))
done >machines.csv
lab_address "${LAB_RECEIVER[2]}" 10.78.0.12/16
lab_address "${LAB_RECEIVER[1]}" 10.78.0.11/16
for ((i = 0; i < machines; i++)); do echo "address add 10.78.1.$((1 + i))/16 dev eth0"; done | ip -n "${LAB_RECEIVER[1]}" -batch - || fail "the machines' addresses"
lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data --payload payload
until_true 30 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
until_true 60 grep -q 'addresses are handed out' box.err || fail "the box hands out no addresses: $(cat box.err)"
code=$(sed -n 's/^No password is set. The set-up code is \([0-9A-Z-]*\)\.$/\1/p' box.err)
[ -n "$code" ] || fail "there is no set-up code"

lab_start page "${LAB_RECEIVER[2]}" node "$LAB_ROOT/tests/web/room.mjs" https://10.78.0.1 "$code" classroom "$LAB_DIR/room.out" "$LAB_DIR/pictures"
armed() { grep -q 'The session is armed' page.out || [ ! -e "/proc/${LAB_PID[page]}" ] || grep -qs '^State:.Z' "/proc/${LAB_PID[page]}/status"; }
until_true 180 armed || fail "no session is armed"
lab_start room "${LAB_RECEIVER[1]}" "$TOOL" 10.78.0.1 10.78.1.1 $machines 5358
status=0
lab_wait page 360 || status=$?
cat page.out >&2
[ $status != 77 ] || skip "$(tail -n 1 page.out)"
[ $status = 0 ] || fail "the browser"
for picture in setup library session room wall machine failed report; do
    [ "$(wc -c <"pictures/$picture.png")" -gt 5000 ] || fail "no picture of $picture"
done
if [ -n "$folder" ]; then
    mkdir -p "$folder"
    cp pictures/*.png "$folder/"
fi
pass "$machines machines, every state on the page: $(tr -d '{}"\n' <room.out | sed 's/:/ /g; s/,/, /g')"
