#!/bin/bash
# Two DHCP servers on one wire: the box keeps silent while dnsmasq answers, takes over when it is gone, and stands back again. Beside
# dnsmasq in proxy mode it tells PXE clients what to boot and gives no addresses.
. "$(dirname "$0")/lib.sh"
tool=$LAB_ROOT/build/e2e/dhcp_tool
requires "$tool" busybox dnsmasq tshark tcpdump

lab_up 3
lab_address "${LAB_RECEIVER[3]}" 10.78.0.99/24
printf '#!/bin/sh\nenv > "%s/udhcpc.$1"\n' "$LAB_DIR" > "$LAB_DIR/script"
chmod +x "$LAB_DIR/script"

foreign()
{
    lab_start foreign "${LAB_RECEIVER[3]}" dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --port=0 --user=root \
        --dhcp-range=10.78.0.150,10.78.0.160 --dhcp-leasefile="$LAB_DIR/leases" --log-dhcp --pid-file="$LAB_DIR/dnsmasq.pid" "$@"
    until_true 10 grep -q 'DHCP, IP range' "$LAB_DIR/foreign.err" || skip "dnsmasq does not start here"
}

# lease_from RECEIVER ADDRESS OPTION...
lease_from()
{
    local ns=${LAB_RECEIVER[$1]} server=$2
    shift 2
    rm -f "$LAB_DIR"/udhcpc.*
    lab_exec "$ns" busybox udhcpc -i eth0 -f -q -n -t 5 -T 3 -s "$LAB_DIR/script" "$@" >"$LAB_DIR/udhcpc.log" 2>&1 ||
        fail "no lease: $(cat "$LAB_DIR/udhcpc.log")"
    grep -qx "serverid=$server" "$LAB_DIR/udhcpc.bound" || fail "expected a lease from $server: $(grep serverid "$LAB_DIR/udhcpc.bound")"
}
guard_says() { until_true "$1" eval "tail -n 1 '$LAB_DIR/serve.err' | grep -q '$2'" || fail "the guard does not say: $2"; }

lab_start wire "$LAB_SERVER" tcpdump -Z root -i eth0 -s 0 -U --immediate-mode -w "$LAB_DIR/wire.pcap" port 67 or port 68 or port 4011
until_true 10 grep -q 'listening on' "$LAB_DIR/wire.err" || fail "tcpdump did not start"

foreign
lab_start serve "$LAB_SERVER" "$tool" serve eth0 10.78.0.1/24 server 10.78.0.50 10.78.0.60
guard_says 10 '^guard: another DHCP server answers here: 10.78.0.99 at 52:49:4e:47:00:03, it offered 10.78.0.1[56]'
lease_from 1 10.78.0.99
[ "$(grep -c '^lease' "$LAB_DIR/serve.err")" = 0 ] || fail "the box gave a lease beside another server"
pass "a foreign server is seen, named, and left alone"

lab_stop foreign
guard_says 75 '^guard: no other DHCP server answers here'
lease_from 1 10.78.0.1
pass "when it is gone the box serves"

# It comes back, and what it offers somebody else is overheard; otherwise a probe would find it within a minute.
foreign --dhcp-broadcast --no-ping
lab_exec "${LAB_RECEIVER[2]}" busybox udhcpc -i eth0 -f -q -n -t 3 -T 3 -s "$LAB_DIR/script" >"$LAB_DIR/udhcpc.log" 2>&1 || true
guard_says 10 '^guard: another DHCP server answers here: 10.78.0.99'
lease_from 2 10.78.0.99
lab_stop serve
pass "when it is back the box stands back"

lab_start serve "$LAB_SERVER" "$tool" serve eth0 10.78.0.1/24 proxy 0.0.0.0 0.0.0.0 file=ringcast.efi
until_true 10 grep -q serving "$LAB_DIR/serve.err"
# udhcpc knows nothing of proxies and may take this OFFER for one of an address; it is the OFFER that counts here.
lab_exec "${LAB_RECEIVER[1]}" busybox udhcpc -i eth0 -f -q -n -t 1 -T 1 -s /bin/true -V PXEClient:Arch:00007:UNDI:003000 \
    >"$LAB_DIR/udhcpc.log" 2>&1 || true
lease_from 2 10.78.0.99
lab_stop serve
grep -q '^offers 0 acks 0 naks 0 informed 0 booted [1-9]' "$LAB_DIR/serve.err" || fail "a proxy gives boot fields only: $(cat "$LAB_DIR/serve.err")"
lab_stop wire
judge() { tshark -r "$LAB_DIR/wire.pcap" -o udp.check_checksum:TRUE -Y "$1" 2>/dev/null | wc -l; }
proxied='ip.src == 10.78.0.1 && dhcp.ip.your == 0.0.0.0 && dhcp.option.dhcp == 2'
[ "$(judge "$proxied && dhcp.option.vendor_class_id == \"PXEClient\" && dhcp.file == \"ringcast.efi\"")" -ge 1 ] || fail "no proxy offer"
[ "$(judge "$proxied && dhcp.option.ip_address_lease_time")" = 0 ] || fail "a proxy offer with a lease"
[ "$(judge 'ip.src == 10.78.0.1 && _ws.malformed')" = 0 ] || fail "tshark finds fault with replies"
pass "beside it, a proxy tells PXE clients what to boot"
