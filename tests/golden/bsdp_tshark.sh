#!/bin/bash
# The golden BSDP packets as a foreign decoder reads them: nothing malformed, and all images with their names. One run of tshark for
# all: it takes a second to start.
set -euo pipefail
cd "${TOP:-$PWD}"
command -v tshark text2pcap >/dev/null || { echo "tshark is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packets=(tests/golden/bsdp/*.txt)

cat "${packets[@]}" | grep -v '^#' | text2pcap -q -u 67,68 - "$work/all.pcap" >/dev/null 2>&1
field=dhcp.option.vendor.bsdp
tshark -r "$work/all.pcap" -T fields -E separator='|' -e _ws.malformed -e dhcp.type -e $field.message_type -e $field.reply_port \
    -e $field.message_size -e $field.server_priority -e $field.server_identifier -e $field.boot_image.name >"$work/read" 2>/dev/null
paste -d '|' <(printf '%s\n' "${packets[@]}" | sed 's,.*/,,; s,\.txt,,') "$work/read" >"$work/named"

names() { seq -f 'Classroom image %02g of the set' -s , 1 "$1"; }
diff - <(sed 's/|0x0*/|/g' "$work/named") <<EXPECTED || { echo "expected what is left, got what is right"; exit 1; }
g01||1|1|||||
g02||1|1|646|8192|||
g03||2|1|||32768||Lab macOS 10.13,NetInstall 10.13.6,Diagnostics
g04||2|1|||32767||Lab macOS 10.13,NetInstall 10.13.6,Diagnostics
g05||1|2|646|||10.77.0.1|
g05b||1|2||||10.77.0.1|
g06||2|2|||||
g07||2|2|||||
g08||2|3|||||
g09||1||||||
g10||2||||||
g11||1|1|||||
g12||2|1|||32768||
g13||1|1|646||||
g16||2|1|||32768||$(names 12)
g17||2|1|||32768||$(names 7)
EXPECTED
