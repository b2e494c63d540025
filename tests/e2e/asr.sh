#!/bin/bash
# A plist written for Apple's asr server is taken as it is, all seven keys, with asr's meaning: Data Rate in bytes a
# second is a ceiling, the stream goes to that group and port with that TTL, and rests after Loop Suspend loops without a
# new client.
. "$(dirname "$0")/lib.sh"
requires tcpdump

small_ring
lab_up 2
cat >"$LAB_DIR/asr.plist" <<'PLIST'
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
    <key>Data Rate</key>
    <integer>12000000</integer>
    <key>Multicast Address</key>
    <string>239.77.5.9</string>
    <key>Client Data Rate</key>
    <integer>60000000</integer>
    <key>DNS Service Discovery</key>
    <false/>
    <key>Loop Suspend</key>
    <integer>3</integer>
    <key>Multicast TTL</key>
    <integer>5</integer>
    <key>Port</key>
    <integer>7811</integer>
</dict>
</plist>
PLIST
lab_capture wire "${LAB_RECEIVER[2]}" udp and multicast
lab_start serve "$LAB_SERVER" "$RINGCAST" serve --config "$LAB_DIR/asr.plist" --interface eth0 --address 10.78.0.1/24 \
    "$LAB_DIR/small.ring"
until_true 20 test -s "$LAB_DIR/serve.err" || fail "the server says nothing"
ring_restore 1 --source ringcast://10.78.0.1:7811/small
ring_passed 1
grep -q 'Starting stream' "$LAB_DIR/serve.err" || fail "the server does not log 'Starting stream'"
lab_stop wire INT

tcpdump -r "$LAB_DIR/wire.pcap" -nn -v 'greater 1500' 2>/dev/null >"$LAB_DIR/wire.txt"
grep -q '> 239.77.5.9\.' "$LAB_DIR/wire.txt" || fail "the stream does not go to 239.77.5.9"
grep -q 'ttl 5,' "$LAB_DIR/wire.txt" || fail "the stream does not have TTL 5"
read -r seconds rate < <(tcpdump -r "$LAB_DIR/wire.pcap" -nn -tt 'dst 239.77.5.9 and greater 1500' 2>/dev/null |
    awk 'NR == 1 { t = $1 } { n++; last = $1 } END { printf "%.2f %.0f\n", last - t, n * 1538 / (last - t) }')
[ "$rate" -le 12000000 ] || fail "sends $rate bytes/s, 12000000 were set"
pass "to 239.77.5.9 with TTL 5 at $rate bytes/s of 12000000 for $seconds s"

expect 2 lab_exec "$LAB_SERVER" "$RINGCAST" serve --config "$LAB_DIR/small.pub" --interface eth0 --address 10.78.0.1/24 \
    "$LAB_DIR/small.ring"
pass "a configuration that is none: $(tail -n 1 "$LAB_DIR/expect.err")"
