#!/bin/bash
# The box's DHCP service and real clients: udhcpc and dhclient; restarts, reservations, a taken address; tshark reads along.
. "$(dirname "$0")/lib.sh"
tool=$LAB_ROOT/build/e2e/dhcp_tool
requires "$tool" busybox dhclient tshark tcpdump

lab_up 3
lab_start wire "$LAB_SERVER" tcpdump -Z root -i eth0 -s 0 -U --immediate-mode -w "$LAB_DIR/wire.pcap" port 67 or port 68
until_true 10 grep -q 'listening on' "$LAB_DIR/wire.err" || fail "tcpdump did not start"

serve()
{
    lab_start serve "$LAB_SERVER" "$tool" serve eth0 10.78.0.1/24 server 10.78.0.50 10.78.0.53 guard=off \
        journal="$LAB_DIR/journal" reserve=52:49:4e:47:00:03@10.78.0.9 file=ringcast.efi "$@"
    until_true 10 grep -q serving "$LAB_DIR/serve.err" || fail "the server does not start"
}

cat > "$LAB_DIR/script" <<'SCRIPT'
#!/bin/sh
env > "$LAB_DIR/udhcpc.$1"
if [ "$1" = bound ]; then
    ip address flush dev eth0
    ip address add "$ip/$mask" dev eth0
fi
SCRIPT
cat > "$LAB_DIR/dhclient-script" <<SCRIPT
#!/bin/sh
LAB_DIR=$LAB_DIR
SCRIPT
cat >> "$LAB_DIR/dhclient-script" <<'SCRIPT'
env > "$LAB_DIR/dhclient.$reason"
if [ -n "$new_ip_address" ]; then
    ip address flush dev eth0
    ip address add "$new_ip_address/24" dev eth0
fi
SCRIPT
chmod +x "$LAB_DIR/script" "$LAB_DIR/dhclient-script"
export LAB_DIR

# udhcpc RECEIVER OPTION...: one lease; what it got is in $LAB_DIR/udhcpc.bound.
udhcpc()
{
    local ns=${LAB_RECEIVER[$1]}
    shift
    rm -f "$LAB_DIR"/udhcpc.*
    lab_exec "$ns" busybox udhcpc -i eth0 -f -q -n -t 5 -T 1 -s "$LAB_DIR/script" "$@" >"$LAB_DIR/udhcpc.log" 2>&1 ||
        { cat "$LAB_DIR/udhcpc.log" >&2; return 1; }
}
got() { grep -qx "$1" "$LAB_DIR/udhcpc.bound" || { cat "$LAB_DIR/udhcpc.bound" >&2; fail "expected $1"; }; }
address() { sed -n 's/^ip=//p' "$LAB_DIR/udhcpc.bound"; }

serve
udhcpc 1 || fail "no lease for udhcpc"
first=$(address)
case $first in 10.78.0.5[0-3]) ;; *) fail "expected an address of the pool, got $first" ;; esac
got subnet=255.255.255.0
got router=10.78.0.1
got lease=3600
got serverid=10.78.0.1
udhcpc 1 -B || fail "no lease by broadcast"
[ "$(address)" = "$first" ] || fail "expected $first again, got $(address)"
udhcpc 1 -V PXEClient:Arch:00007 || fail "no lease for a PXE client"
got boot_file=ringcast.efi
udhcpc 1 -r 10.99.0.7 || fail "no lease for one that wants another address"
[ "$(address)" = "$first" ] || fail "expected $first again, got $(address)"
pass "udhcpc: the same address, by unicast and broadcast"

udhcpc 3 || fail "no lease for a reserved machine"
got ip=10.78.0.9
pass "a reservation"

# Restart: the lease is known, the address is nobody else's; it gets the same.
lab_start dhclient "${LAB_RECEIVER[2]}" dhclient -4 -d -v -sf "$LAB_DIR/dhclient-script" -lf "$LAB_DIR/leases" \
    -pf "$LAB_DIR/dhclient.pid" eth0
until_true 20 test -e "$LAB_DIR/dhclient.BOUND" || fail "no lease for dhclient"
second=$(sed -n 's/^new_ip_address=//p' "$LAB_DIR/dhclient.BOUND")
[ "$second" != "$first" ] || fail "$second is with two machines"
lab_stop dhclient KILL
lab_stop serve KILL
serve
rm -f "$LAB_DIR"/dhclient.*
lab_start dhclient "${LAB_RECEIVER[2]}" dhclient -4 -d -v -sf "$LAB_DIR/dhclient-script" -lf "$LAB_DIR/leases" \
    -pf "$LAB_DIR/dhclient.pid" eth0
until_true 20 eval "test -e '$LAB_DIR/dhclient.REBOOT' || test -e '$LAB_DIR/dhclient.BOUND'" || fail "no lease for dhclient after the restart"
cat "$LAB_DIR"/dhclient.[RB]* | grep -qx "new_ip_address=$second" || fail "dhclient got another address after the restart"
udhcpc 1 || fail "no lease after the restart"
[ "$(address)" = "$first" ] || fail "expected $first after the restart, got $(address)"
pass "leases survive a restart"

lab_stop dhclient
lab_exec "${LAB_RECEIVER[2]}" dhclient -4 -r -sf "$LAB_DIR/dhclient-script" -lf "$LAB_DIR/leases" -pf "$LAB_DIR/none" eth0 \
    >"$LAB_DIR/release.log" 2>&1 || true

# Somebody sits on the address that receiver 1 would get: it declines, gets another.
ip -n "${LAB_RECEIVER[1]}" address flush dev eth0
lab_address "${LAB_RECEIVER[3]}" "$first/24"
udhcpc 1 -a || fail "no lease beside a squatter"
[ "$(address)" != "$first" ] || fail "got an address that is taken"
grep -q "declined 52:49:4e:47:00:01 $first" "$LAB_DIR/serve.err" || fail "the server does not say that $first is taken"
pass "a declined address rests"

lab_stop serve
grep -Eq 'released 1 declined 1 malformed 0' "$LAB_DIR/serve.err" || fail "expected one release, one decline: $(tail -n 1 "$LAB_DIR/serve.err")"

lab_stop wire
judge() { tshark -r "$LAB_DIR/wire.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -Y "$1" 2>/dev/null | wc -l; }
[ "$(judge 'udp.srcport == 67')" -ge 12 ] || fail "tshark sees too few replies"
[ "$(judge 'udp.srcport == 67 && (_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || !dhcp.option.end)')" = 0 ] ||
    fail "tshark finds fault with replies"
[ "$(judge 'udp.srcport == 67 && udp.length < 308')" = 0 ] || fail "a reply is shorter than 300 bytes"
[ "$(judge 'udp.srcport == 67 && dhcp.option.dhcp == 5 && ip.dst != 255.255.255.255')" -ge 4 ] || fail "no unicast replies"
[ "$(judge 'udp.srcport == 67 && dhcp.flags.bc == 1 && ip.dst != 255.255.255.255')" = 0 ] || fail "a reply is not broadcast as asked"
pass "tshark has nothing to say against $(judge 'udp.srcport == 67') replies"
