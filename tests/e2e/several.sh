#!/bin/bash
# Several images at once: each has its own group; a receiver takes the one it names, and hears of the names when there is
# no such image.
. "$(dirname "$0")/lib.sh"

small_ring
head -c 30M /dev/urandom >"$LAB_DIR/noise.img"
"$RINGCAST" pack "$LAB_DIR/noise.img" -o "$LAB_DIR/noise.ring" --key "$LAB_DIR/small.key" --name noise --level 1 2>/dev/null
lab_up 3
serve_small "$LAB_DIR/noise.ring"
ring_restore 1
ring_restore 2 --source ringcast://10.78.0.1/noise
ring_passed 1
lab_wait ring2 || fail "receiver 2"
cmp "$LAB_DIR/noise.img" "$LAB_DIR/disk2" || fail "receiver 2 has another image"
pass "two images at once"

ring_options 3
expect 1 lab_exec "${LAB_RECEIVER[3]}" "$RINGCAST" restore "${RING_OPTIONS[@]}" --source ringcast://10.78.0.1/another
[ ! -e "$LAB_DIR/disk3" ] || fail "something was written"
pass "an image that is not served: $(grep FAIL "$LAB_DIR/expect.err")"
