#!/bin/bash
# Four machines take a disk from the ring: one from the start, one that joins in the middle, one that loses 2 %, one
# whose disk is slow. Each gets it whole.
. "$(dirname "$0")/lib.sh"

small_ring
lab_up 4
lab_loss 3 2
serve_small
ring_restore 1
ring_restore 3
ring_restore 4 --write-limit 10MB --memory 288MiB
sleep 2 # the subject: it joins late
ring_restore 2
for i in 1 2 3 4; do
    ring_passed $i
    pass "receiver $i: $(json "$LAB_DIR/ring$i.out" 'f"""{o["seconds"]} s, {o["ratio_to_bound"]} x its bound, loss {o["loss"]:.2%}"""')"
done
[ "$(json "$LAB_DIR/ring3.out" '0.01 < o["loss"] < 0.03')" = true ] || fail "receiver 3 saw another loss than 2 %"
[ "$(json "$LAB_DIR/ring1.out" 'o["forged"] + o["malformed"] + o["foreign"]')" = 0 ] || fail "genuine packets were refused"
