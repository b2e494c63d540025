#!/bin/bash
# The sender is killed and started again: a receiver joins its new session by itself and goes on with what it has. Where the
# new sender has another image, it says so.
. "$(dirname "$0")/lib.sh"

small_ring
lab_up 1
serve_small --rate 60Mbit
ring_restore 1 --timeout 60
ring_writes 1 4
lab_stop serve KILL
serve_small --rate 60Mbit
ring_passed 1 90
[ "$(json "$LAB_DIR/ring1.out" 'o["foreign"] + o["forged"]')" = 0 ] || fail "packets of the new session were refused"
pass "the sender was started anew, and the receiver finished after $(json "$LAB_DIR/ring1.out" 'o["seconds"]') s"

rm "$LAB_DIR/disk1"
ring_restore 1 --timeout 60
ring_writes 1 4
lab_stop serve KILL
rm "$LAB_DIR/small.ring"
"$RINGCAST" pack "$LAB_DIR/small.img" -o "$LAB_DIR/small.ring" --name small --level 2 --unsigned 2>>"$LAB_DIR/pack.err"
serve_small
lab_wait ring1 60 && fail "another image was taken for the same"
grep -q "another image" "$LAB_DIR/ring1.err" || fail "no sentence about the other image"
sfdisk -J "$LAB_DIR/disk1" >/dev/null 2>&1 && fail "the half-written disk has a partition table"
pass "another image of the same name is told apart, and the target looks empty"
