#!/bin/bash
# The golden BSDP packets as a foreign decoder reads them: nothing malformed, and all images with their names.
set -euo pipefail
cd "${TOP:-$PWD}"
command -v tshark text2pcap >/dev/null || { echo "tshark is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# read_as NAME FIELD: what tshark reads there.
read_as() { tshark -r "$work/$1.pcap" -T fields -e "dhcp.option.vendor.bsdp.$2" 2>/dev/null; }
expect() { # NAME FIELD VALUE
    local got
    got=$(read_as "$1" "$2")
    [ "$got" = "$3" ] || { echo "$1: expected $2 to be '$3', got '$got'"; exit 1; }
}

for packet in tests/golden/bsdp/*.txt; do
    name=$(basename "$packet" .txt)
    grep -v '^#' "$packet" | text2pcap -q -u 67,68 - "$work/$name.pcap" >/dev/null 2>&1
    faults=$(tshark -r "$work/$name.pcap" -Y '_ws.malformed || !dhcp' 2>/dev/null)
    [ -z "$faults" ] || { echo "$name: $faults"; exit 1; }
done

expect g01 message_type 1
expect g02 reply_port 646
expect g02 message_size 8192
expect g03 boot_image.name 'Lab macOS 10.13,NetInstall 10.13.6,Diagnostics'
expect g03 server_priority 32768
expect g05 server_identifier 10.77.0.1
expect g08 message_type 3
expect g12 boot_image.name ''
names() { seq -f 'Classroom image %02g of the set' -s , 1 "$1"; }
expect g16 boot_image.name "$(names 12)"
expect g17 boot_image.name "$(names 7)"
