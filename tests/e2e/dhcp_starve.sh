#!/bin/bash
# More than 10,000 invented machines in seconds, who take what they are offered: those the box knows are served in time.
. "$(dirname "$0")/lib.sh"
tool=$LAB_ROOT/build/e2e/dhcp_tool
requires "$tool"

lab_up 2
lab_start serve "$LAB_SERVER" "$tool" serve eth0 10.78.0.1/24 server 10.78.0.50 10.78.0.249 guard=off journal="$LAB_DIR/journal" \
    reserve=02:00:00:00:01:f4@10.78.0.20 known=02:00:00:00:02:58
until_true 10 grep -q serving "$LAB_DIR/serve.err" || fail "the server does not start"
lab_exec "${LAB_RECEIVER[1]}" "$tool" join eth0 1000 40 >"$LAB_DIR/before" || fail "no leases before the flood"
lab_start flood "${LAB_RECEIVER[2]}" "$tool" flood eth0 15 1000 take
sleep 8 # the subject: in the middle of the flood, which lasts 15 s and says nothing before its end
lab_exec "${LAB_RECEIVER[1]}" "$tool" join eth0 1000 40 >"$LAB_DIR/had" || fail "a machine that had a lease"
lab_exec "${LAB_RECEIVER[1]}" "$tool" join eth0 500 1 >"$LAB_DIR/reserved" || fail "a machine with a reservation"
lab_exec "${LAB_RECEIVER[1]}" "$tool" join eth0 600 1 >"$LAB_DIR/known" || fail "a machine the box knows"
lab_wait flood
lab_stop serve
read -r sent taken <"$LAB_DIR/flood.out"
[ "$sent" -ge 10000 ] || skip "this machine sends only $sent requests in 15 s"
slowest=$(cat "$LAB_DIR/had" "$LAB_DIR/reserved" "$LAB_DIR/known" | sort -n | tail -n 1)
[ "$slowest" -le 2000 ] || fail "a known machine waited $slowest ms"
pass "$sent invented machines, $taken leases to them; the slowest of 42 known ones has its address after $slowest ms"
echo "$sent $taken $slowest"
