#!/bin/bash
# A disk far slower than the stream: after the last packet that it needs, the receiver hears nothing for longer than its
# --timeout, since the sender has stopped, and finishes.
. "$(dirname "$0")/lib.sh"

small_ring
lab_up 1
lab_loss 1 2
serve_small
ring_restore 1 --write-limit 1500kB --timeout 4 --memory 288MiB
ring_passed 1 120
silent=$(json "$LAB_DIR/ring1.out" 'round(o["seconds"] - o["receive_seconds"])')
[ "$silent" -gt 5 ] || fail "packets came until $silent s before the end: nothing was shown"
pass "a slow disk: $(json "$LAB_DIR/ring1.out" 'f"""{o["seconds"]} s, {o["blocks_left_out"]} times a block was left out"""'), silence for the last $silent s"
