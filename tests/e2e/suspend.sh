#!/bin/bash
# The stream begins with the first receiver and rests when the last one has what it needs.
. "$(dirname "$0")/lib.sh"
requires tcpdump

# frames: data packets seen by receiver 2's port so far.
frames()
{
    tcpdump -r "$LAB_DIR/wire.pcap" -nn 'udp and multicast and greater 1500' 2>/dev/null | wc -l
}

small_ring
lab_up 2
lab_capture wire "${LAB_RECEIVER[2]}" udp and multicast
serve_small
sleep 2 # the subject: nothing comes
[ "$(frames)" = 0 ] || fail "it sends though nobody listens"
pass "nobody listens, nothing is sent"

ring_restore 1
ring_passed 1
count=$(frames)
[ "$count" -gt 10000 ] || fail "only $count frames were sent"
resting() { rest=$(frames); sleep 1; [ "$(frames)" = "$rest" ]; }
until_true 30 resting || fail "it goes on sending though everybody is done"
sleep 3 # the subject: nothing comes
[ "$(frames)" = "$rest" ] || fail "it sends $(($(frames) - rest)) frames in 3 s though everybody is done"
pass "all done, rests"

rm "$LAB_DIR/disk1"
ring_restore 1
ring_passed 1
[ "$(frames)" -gt $((rest + 10000)) ] || fail "it did not send again"
pass "begins again with the next receiver"
