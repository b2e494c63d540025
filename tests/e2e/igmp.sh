#!/bin/bash
# A switch that snoops and no querier but ours: who did not ask for the ring sees none of it, who did gets it on and on. And ours
# gives way to a querier with a lower address.
. "$(dirname "$0")/lib.sh"
requires tcpdump
make -s -C "$LAB_ROOT" build/e2e/serve_tool >&2

lab_up 3
# Centiseconds. A membership ends after 3 s, instead of 260.
ip -n "$LAB_SWITCH" link set br0 type bridge mcast_snooping 1 mcast_querier 0 mcast_membership_interval 300 \
    mcast_querier_interval 600 mcast_query_response_interval 100 mcast_last_member_interval 100
small_ring
serve_small --rate 12Mbit
ring_restore 1

# stream NS SECONDS: frames of the ring that arrive there in that time. At once, because what tcpdump would otherwise gather for a
# second is lost when it is stopped.
stream()
{
    lab_capture count "$1" --immediate-mode dst net 239.0.0.0/8 and udp
    sleep "$2"
    lab_stop count INT
    tcpdump -r "$LAB_DIR/count.pcap" 2>/dev/null | wc -l
}

# flows NS: within a second the ring arrives there. silent NS: within a second it does not.
flows()
{
    [ "$(stream "$1" 1)" -gt 50 ]
}

silent()
{
    [ "$(stream "$1" 1)" = 0 ]
}

until_true 30 flows "${LAB_RECEIVER[1]}" || fail "the receiver gets nothing: $(cat "$LAB_DIR/ring1.err")"
until_true 20 flows "${LAB_RECEIVER[2]}" || fail "without a querier the switch does not flood: this test shows nothing"

lab_capture queries "${LAB_RECEIVER[2]}" igmp
lab_start querier "$LAB_SERVER" "$LAB_ROOT/build/e2e/serve_tool" --igmp 1 eth0 10.78.0.9/24 "$LAB_DIR"
until_true 10 grep -q ready "$LAB_DIR/querier.err" || fail "the querier does not start"
until_true 30 silent "${LAB_RECEIVER[2]}" || fail "the switch floods on beside our querier" # for a response interval more it may
seen=$(stream "${LAB_RECEIVER[2]}" 7)
[ "$seen" = 0 ] || fail "a port without a receiver saw $seen frames of the ring"
until_true 20 flows "${LAB_RECEIVER[1]}" || fail "after two membership timeouts the receiver gets nothing"
pass "without a querier the ring flows where nobody wants it, with it only where somebody does, 7 s on"

# asked_last ADDRESS: the last query on the wire is of that address.
asked_last()
{
    tcpdump -n -r "$LAB_DIR/queries.pcap" 2>/dev/null | grep 'igmp query' | tail -1 | grep -q " IP $1 >"
}

# quiet_since ADDRESS: the last three queries are of another one.
quiet_since()
{
    ! tcpdump -n -r "$LAB_DIR/queries.pcap" 2>/dev/null | grep 'igmp query' | tail -3 | grep -q " IP $1 >"
}

lab_start other "${LAB_RECEIVER[3]}" "$LAB_ROOT/build/e2e/serve_tool" --igmp 1 eth0 10.78.0.5/24 "$LAB_DIR"
until_true 10 grep -q ready "$LAB_DIR/other.err" || fail "the other querier does not start"
until_true 20 asked_last 10.78.0.5 || fail "the lower address does not ask"
until_true 20 quiet_since 10.78.0.9 || fail "ours does not give way"
lab_stop other
until_true 20 asked_last 10.78.0.9 || fail "ours does not ask again"
ring_passed 1 120
lab_stop querier
lab_stop queries INT
[ "$(json "$LAB_DIR/other.out" 'o["igmp"]["asking"] == 1 and o["igmp"]["elected"] == 1')" = true ] || fail "the lower address did not win"
[ "$(json "$LAB_DIR/querier.out" 'o["igmp"]["elected"] == 2 and o["igmp"]["foreign"] >= 2')" = true ] ||
    fail "ours did not give way and come back: $(cat "$LAB_DIR/querier.out")"
tcpdump -vv -r "$LAB_DIR/queries.pcap" 2>/dev/null >"$LAB_DIR/queries.txt"
grep -q 'igmp query v2' "$LAB_DIR/queries.txt" && grep -q 'igmp query v3' "$LAB_DIR/queries.txt" || fail "not both versions were asked"
! grep -qi 'bad' "$LAB_DIR/queries.txt" || fail "tcpdump finds fault: $(grep -i bad "$LAB_DIR/queries.txt" | head -1)"
pass "the election: lost to a lower address, won back when it is gone; the image arrived meanwhile"
