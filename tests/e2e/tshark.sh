#!/bin/bash
# A foreign decoder takes the stream for what it is: ALC over LCT.
. "$(dirname "$0")/lib.sh"
requires tshark tcpdump

small_ring
lab_up 1
lab_capture wire "${LAB_RECEIVER[1]}" udp and multicast
serve_small
ring_restore 1
until_true 60 eval "[ \$(stat -c %s $LAB_DIR/wire.pcap) -gt 600000 ]" || fail "no stream is captured" # some 4000 frames
lab_stop wire INT
port=$(tshark -r "$LAB_DIR/wire.pcap" -Y 'frame.len == 1514' -T fields -e udp.dstport -c 200 2>/dev/null | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
[ -n "$port" ] || fail "no data packets were seen"
tshark -r "$LAB_DIR/wire.pcap" -d "udp.port==$port,alc" -Y "udp.dstport == $port" -T fields -e frame.protocols -e rmt-lct.version \
    -e rmt-lct.tsi -e rmt-lct.toi -c 2000 2>/dev/null >"$LAB_DIR/fields"
total=$(wc -l <"$LAB_DIR/fields")
good=$(awk '$1 ~ /alc/ && $2 == 1 && $3 > 0 && $4 <= 1' "$LAB_DIR/fields" | wc -l)
[ "$total" -gt 100 ] && [ "$good" = "$total" ] || fail "tshark decodes $good of $total packets as ALC"
tshark -r "$LAB_DIR/wire.pcap" -d "udp.port==$port,alc" -Y "udp.dstport == $port && _ws.malformed" 2>/dev/null | grep -q . &&
    fail "tshark finds packets malformed"
pass "tshark decodes all of $good packets as ALC, none malformed"
