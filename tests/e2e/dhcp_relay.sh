#!/bin/bash
# A machine in another subnet, behind dnsmasq as the relay: its lease comes from that subnet's pool, and is renewed through the router.
. "$(dirname "$0")/lib.sh"
tool=$LAB_ROOT/build/e2e/dhcp_tool
requires "$tool" busybox dnsmasq

lab_up 2
# Receiver 1 is the router; behind it, in receiver 2's namespace, is the machine.
router=${LAB_RECEIVER[1]}
lab_address "$router" 10.78.0.99/24
ip -n "$router" link add eth1 type veth peer name far netns "${LAB_RECEIVER[2]}"
ip -n "$router" address add 10.79.0.1/24 broadcast + dev eth1
ip -n "$router" link set eth1 up
ip -n "${LAB_RECEIVER[2]}" link set far up
ip netns exec "$router" sysctl -qw net.ipv4.ip_forward=1
ip netns exec "${LAB_RECEIVER[2]}" ethtool -K far tx off >/dev/null 2>&1
ip netns exec "$router" ethtool -K eth1 tx off >/dev/null 2>&1

lab_start serve "$LAB_SERVER" "$tool" serve eth0 10.78.0.1/24 server 10.78.0.50 10.78.0.60 guard=off lease=60 \
    gateway=10.78.0.99 relay=10.79.0.1/24@10.79.0.50
until_true 10 grep -q serving "$LAB_DIR/serve.err" || fail "the server does not start"
lab_start relay "$router" dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --port=0 --user=root \
    --dhcp-relay=10.79.0.1,10.78.0.1 --pid-file="$LAB_DIR/dnsmasq.pid" --log-dhcp
until_true 10 grep -q 'DHCP relay' "$LAB_DIR/relay.err" || skip "dnsmasq does not relay here"

cat > "$LAB_DIR/script" <<SCRIPT
#!/bin/sh
env > "$LAB_DIR/udhcpc.\$1"
[ -z "\$ip" ] || ip address replace "\$ip/\$mask" dev far
[ -z "\$router" ] || ip route replace default via "\$router"
SCRIPT
chmod +x "$LAB_DIR/script"
lab_start udhcpc "${LAB_RECEIVER[2]}" busybox udhcpc -i far -f -t 5 -T 2 -s "$LAB_DIR/script"
until_true 20 test -e "$LAB_DIR/udhcpc.bound" || fail "no lease behind the relay"
grep -Eqx 'ip=10.79.0.5[0-9]' "$LAB_DIR/udhcpc.bound" || fail "expected an address of 10.79.0.50..59: $(grep ip= "$LAB_DIR/udhcpc.bound")"
grep -qx 'router=10.79.0.1' "$LAB_DIR/udhcpc.bound" || fail "expected the subnet's own router"
pass "a lease through a relay"

kill -USR1 "$(ip netns pids "${LAB_RECEIVER[2]}" | head -n 1)"
until_true 20 test -e "$LAB_DIR/udhcpc.renew" || fail "not renewed through the router"
lab_stop serve
grep -q 'naks 0 .* malformed 0' "$LAB_DIR/serve.err" || fail "expected no NAK: $(tail -n 1 "$LAB_DIR/serve.err")"
pass "and renewed through the router"
