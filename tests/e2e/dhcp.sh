#!/bin/bash
# A receiver without a configured address: from a DHCP server, and where there is none, a link-local one; then a name from the
# DHCP server's resolver.
. "$(dirname "$0")/lib.sh"
requires dnsmasq

small_ring
lab_up 3
serve_small
lab_address "${LAB_RECEIVER[3]}" 10.78.0.99/24
lab_start dhcp "${LAB_RECEIVER[3]}" dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --no-ping \
    --user=root --dhcp-range=10.78.0.50,10.78.0.60 --dhcp-leasefile="$LAB_DIR/leases" --log-dhcp \
    --address=/box.lab/10.78.0.1 --pid-file="$LAB_DIR/dnsmasq.pid"
until_true 10 grep -q 'DHCP, IP range' "$LAB_DIR/dhcp.err" || skip "dnsmasq does not start here"

ring_restore 1 --address dhcp --source ringcast://box.lab/small
ring_passed 1
grep -Eq 'DHCPACK\(eth0\) 10.78.0.(5.|60) 52:49:4e:47:00:01 ringcast' "$LAB_DIR/dhcp.err" || fail "no lease for a machine called ringcast"
grep -q 'DHCPRELEASE(eth0)' "$LAB_DIR/dhcp.err" || fail "the lease was not given back"
grep -q '52:49:4e:47:00:01 (10.78.0.[56][0-9]) joins' "$LAB_DIR/serve.err" || fail "the server saw another address"
pass "an address and a resolver by DHCP"

lab_stop dhcp
lab_stop serve
lab_start serve "$LAB_SERVER" "$RINGCAST" serve --interface eth0 --rate 100Mbit "$LAB_DIR/small.ring"
lab_start ring2 "${LAB_RECEIVER[2]}" "$RINGCAST" restore --source ringcast://ringcast.local --target "$LAB_DIR/disk2" --create --erase \
    --noprompt --json --key "$LAB_DIR/small.pub" --interface eth0 --timeout 60
until_true 40 grep -q 'serving on eth0 as 169.254' "$LAB_DIR/serve.err" || fail "the server has no link-local address"
ring_passed 2
pass "link-local addresses where nobody answers, and the server found by its name"
