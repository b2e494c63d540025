#!/bin/bash
# The box is found by name: avahi-browse sees the advert of a server, a restore finds the server's host.
. "$(dirname "$0")/lib.sh"
requires avahi-daemon avahi-browse dbus-daemon unshare

small_ring
lab_up 2
serve_small
lab_address "${LAB_RECEIVER[1]}" 10.78.0.11/24

# A dbus and an avahi of their own, in the receiver's namespace, with a /run that nobody else sees.
mkdir -p "$LAB_DIR/run/avahi-daemon"
cat >"$LAB_DIR/dbus.conf" <<CONF
<busconfig>
  <type>system</type>
  <listen>unix:path=$LAB_DIR/run/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
CONF
printf '[server]\nuse-ipv6=no\nallow-interfaces=eth0\nratelimit-burst=1000\n' >"$LAB_DIR/avahi.conf"
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$LAB_DIR/run/bus
lab_start dbus "${LAB_RECEIVER[1]}" dbus-daemon --config-file="$LAB_DIR/dbus.conf" --nofork --nopidfile
until_true 10 test -S "$LAB_DIR/run/bus" || fail "dbus-daemon does not start"
lab_start avahi "${LAB_RECEIVER[1]}" unshare --mount bash -c '
    mount --bind "$1/run/avahi-daemon" /run/avahi-daemon 2>/dev/null ||
        { mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon; }
    exec avahi-daemon --file "$1/avahi.conf" --no-drop-root --no-chroot --no-rlimits' - "$LAB_DIR"
until_true 15 grep -q 'Server startup complete' "$LAB_DIR/avahi.err" || fail "avahi-daemon does not start"

browse()
{
    LAB_TIMEOUT=10 lab_exec "${LAB_RECEIVER[1]}" avahi-browse -artp >"$LAB_DIR/browse.out" 2>"$LAB_DIR/browse.err"
    grep -q '^=;eth0;IPv4;.*;10.78.0.1;' "$LAB_DIR/browse.out"
}
until_true 30 browse || fail "avahi-browse does not see the server"
pass "avahi-browse: $(grep -m1 '^=' "$LAB_DIR/browse.out")"

ring_restore 2 --source ringcast://ringcast.local
ring_passed 2
ring_options 2
expect 1 lab_exec "${LAB_RECEIVER[2]}" "$RINGCAST" restore "${RING_OPTIONS[@]}" --source ringcast://nobody.local
expect_says 'nobody answers to the name "nobody.local"'
pass "restored from ringcast://ringcast.local"
