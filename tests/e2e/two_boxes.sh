#!/bin/bash
# Two boxes as they come, both at the same address, on one switch: the second one stands back and says why; of two that start together neither
# leases anything, and both say so. A boot server beside the box is named.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" busybox dnsmasq python3
lab_up 3
cd "$LAB_DIR"
made_payload
mkdir dataA dataB
printf '[box]\naddress = 10.78.0.1/24\n' >ringcast.conf
A=$LAB_SERVER B=${LAB_RECEIVER[3]}
macA=$(ip netns exec "$A" cat /sys/class/net/eth0/address) macB=$(ip netns exec "$B" cat /sys/class/net/eth0/address)

box() { lab_start "box$1" "$2" "$RINGCAST" box --config ringcast.conf --data "data$1" --payload payload; }
leased() { grep -Eq 'has the address' "box$1.err"; }
# ask N: a machine asks for an address and something to boot, and gets N answers.
ask()
{
    lab_exec "${LAB_RECEIVER[1]}" python3 "$LAB_ROOT/tests/e2e/netboot_client.py" discover --arch 7 --expect "$1" >ask.out 2>ask.err || fail "the client"
    [ "$(wc -l <ask.out)" = "$1" ] || fail "expected $1 answers, got $(cut -c 1-200 ask.out)"
}
# holder: the station that answers for the address.
holder()
{
    ip -n "${LAB_RECEIVER[2]}" neigh flush dev eth0
    lab_exec "${LAB_RECEIVER[2]}" busybox ping -c 1 -W 2 10.78.0.1 >/dev/null 2>&1
    ip -n "${LAB_RECEIVER[2]}" neigh show 10.78.0.1 | sed -n 's/.* lladdr \([0-9a-f:]*\).*/\1/p'
}

lab_address "${LAB_RECEIVER[2]}" 10.78.0.99/24
box A "$A"
until_true 20 grep -q 'addresses are handed out' boxA.err || fail "A hands out nothing"
ask 1
lab_start foreign "${LAB_RECEIVER[2]}" dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --port=0 --user=root \
    --dhcp-range=10.78.0.0,proxy --pxe-service=X86-64_EFI,boot,loader.efi --pid-file="$LAB_DIR/dnsmasq.pid"
until_true 10 grep -q 'DHCP, proxy' foreign.err || skip "dnsmasq does not start here"
ask 2
until_true 10 grep -q "another boot server answers here: 10.78.0.99 at" boxA.err || fail "the boot server is not named"
lab_stop foreign
ask 1
pass "a boot server beside the box is named, and changes nothing"

box B "$B"
until_true 20 grep -q "another station, $macA, has this box's address 10.78.0.1: this box does not use it" boxB.err || fail "B does not say who has its address"
until_true 20 grep -q "another DHCP server answers here: 10.78.0.1 at $macA, this box's own address" boxB.err || fail "B does not see A's offers"
[ "$(holder)" = "$macA" ] || fail "the address is at $(holder)"
ask 1
! leased B || fail "B leases"
! grep -q 'another station' boxA.err || fail "A gives way to one that came later"
pass "the second box with the same address stands back and says why"

lab_stop boxA
lab_stop boxB
: >boxA.err; : >boxB.err
box A "$A"
box B "$B"
until_true 20 grep -q "another station, $macB, has this box's address" boxA.err || fail "A does not say who has its address"
until_true 20 grep -q "another station, $macA, has this box's address" boxB.err || fail "B does not say who has its address"
until_true 20 grep -q 'is up on eth0 as' boxA.err && until_true 20 grep -q 'is up on eth0 as' boxB.err || fail "they do not run"
[ -z "$(holder)" ] || fail "the address is at $(holder)"
ask 0
pass "two that start together lease nothing, both of them, and say so"
