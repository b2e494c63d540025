#!/bin/bash
# The core of a box, its receivers, and the sender of `ringcast serve` are killed at random moments and started again; see kill_box.py.
#
#   bash tests/campaign/kill_box.sh [KILLS [SEED]]     KILLS (100) from SEED (1) on; a case that is wrong prints the line that runs it again
#
# Most of the time goes by waiting for what begins: from 30 kills on there are three rooms at once.
kills=${1:-100} seed=${2:-1}
if [ "$kills" -ge 30 ] && [ -z "${KILL_ROOM:-}" ]; then
    rooms=() status=0
    for room in 0 1 2; do
        KILL_ROOM=$room bash "$0" $(((kills + 2) / 3)) $((seed + 1000000 * room)) &
        rooms+=($!)
    done
    trap 'kill "${rooms[@]}" 2>/dev/null' INT TERM
    for room in "${rooms[@]}"; do
        wait "$room" || status=$?
    done
    exit $status
fi
set -- "$kills" "$seed"
. "$(dirname "$0")/../e2e/lib.sh"
requires "$RINGCAST" curl python3
lab_up 6
lab_address "${LAB_RECEIVER[6]}" 10.78.0.99/24
cd "$LAB_DIR"
mkdir images payload data

# A box that has a password and no session yet: what every case begins with.
python3 "$LAB_ROOT/tests/campaign/kill_box.py" image small.img
"$RINGCAST" key -o small 2>/dev/null
"$RINGCAST" pack small.img -o small.ring --key small.key --name small --level 1 2>pack.err || fail "pack"
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n' >ringcast.conf
lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --payload payload --data data
until_true 30 grep -q 'is up on eth0' box.err || fail "the box does not start: $(cat box.err)"
page_token "${LAB_RECEIVER[6]}"
lab_stop box
mv data template
cp small.ring images/

status=0
RINGCAST=$RINGCAST TOKEN=$PAGE_TOKEN SERVER=$LAB_SERVER MACHINES="${LAB_RECEIVER[*]}" AGAIN="bash tests/campaign/kill_box.sh" \
    python3 "$LAB_ROOT/tests/campaign/kill_box.py" run "$kills" "$seed" || status=$?
[ $status = 0 ] || fail "kill_box.py ended with $status"
pass "killed and consistent"
