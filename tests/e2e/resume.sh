#!/bin/bash
# A receiver that is killed in the middle and started again keeps what is on its disk already, and finishes.
. "$(dirname "$0")/lib.sh"

small_ring
lab_up 1
serve_small
ring_restore 1
ring_writes 1 4
lab_stop ring1 KILL
sfdisk -J "$LAB_DIR/disk1" >/dev/null 2>&1 && fail "the half-written disk has a partition table"
pass "killed with $(($(stat -c %b "$LAB_DIR/disk1") / 2048)) MiB on the disk, which looks empty"

ring_restore 1
ring_passed 1
kept=$(json "$LAB_DIR/ring1.out" 'o["kept_chunks"]')
[ "$kept" -gt 0 ] || fail "kept nothing"
pass "started again, kept $kept of $(json "$LAB_DIR/ring1.out" 'o["data_chunks"]') chunks"

# A disk that holds it all needs nothing from the ring.
ring_restore 1
ring_passed 1
[ "$(json "$LAB_DIR/ring1.out" 'o["kept_chunks"] == o["data_chunks"] or o["kept_chunks"]')" = true ] ||
    fail "imaged again, kept only $(json "$LAB_DIR/ring1.out" 'o["kept_chunks"]')"
pass "imaged again, kept everything"
