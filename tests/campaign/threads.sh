#!/bin/bash
# serve, restore and the box under the thread sanitizer: what threads share, they share by rules. `make nightly` runs it.
RINGCAST=$(dirname "$0")/../../build/tsan/ringcast
. "$(dirname "$0")/../e2e/lib.sh"
RINGCAST=$LAB_ROOT/build/tsan/ringcast
requires tftp
lab_up 3
export TSAN_OPTIONS="log_path=$LAB_DIR/tsan history_size=5 exitcode=66"

quiet()
{
    local log=("$LAB_DIR"/tsan.*)
    [ -e "${log[0]}" ] || return 0
    cp "${log[@]}" "$LAB_ROOT/build/"
    cat "${log[@]}" >&2
    fail "$1: the thread sanitizer speaks (build/tsan.*)"
}

small_ring
quiet pack
lab_loss 2 2
serve_small
ring_restore 1
ring_restore 2
ring_restore 3 --write-limit 10MB --memory 288MiB
for i in 1 2 3; do
    ring_passed $i 300
done
quiet restore
: >"$LAB_DIR/disk1"
ring_restore 1
until_true 60 test -s "$LAB_DIR/disk1"
lab_stop ring1
lab_stop serve
quiet "restore and serve, stopped"
pass "serve and restore"

cd "$LAB_DIR"
mkdir data images root
mv small.ring images/
made_payload
printf '[box]\naddress = 10.78.0.1/24\nafter-pass = wait\n[session]\nstart = now\n[ring]\nrate = 100Mbit\n' >ringcast.conf
made_machine $((200 << 20))
lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --payload payload --data data
until_true 60 grep -q 'session 1 is running' box.err || fail "no session: $(cat box.err)"
lab_address "${LAB_RECEIVER[2]}" 10.78.0.99/24

lab_exec "${LAB_RECEIVER[2]}" tftp -m binary 10.78.0.1 -c get payload/initrd initrd || fail "the payload does not load"
ip -n "${LAB_RECEIVER[2]}" address flush dev eth0
tail -c 1024 initrd >page
lab_start target "${LAB_RECEIVER[2]}" "$RINGCAST" target --identity page --disk-root root --framebuffer none
until_true 300 grep -q 'a machine is done' box.err || fail "no PASS: $(tail -n 5 target.out target.err)"
lab_stop target
lab_stop box
quiet "box and target"
pass "box and target"
