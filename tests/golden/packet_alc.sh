#!/bin/bash
# A foreign decoder sees the ring as what it is: tshark reads our datagrams as ALC and finds TSI, TOI, header length and
# EXT_AUTH where RFC 5651 has them.
set -eu
tool=$TOP/build/e2e/wire_tool
[ -x "$tool" ] || { echo "build/e2e/wire_tool is not built"; exit 77; }
command -v tshark >/dev/null || { echo "tshark is not installed"; exit 77; }
cd "$TMPDIR"
"$tool" write datagrams 200
python3 "$TOP/tools/ringpacket.py" pcap datagrams ring.pcap
tshark -r ring.pcap -d udp.port==7800,alc -T fields -E separator=' ' -e rmt-lct.version -e rmt-lct.hlen -e rmt-lct.codepoint \
    -e rmt-lct.cci -e rmt-lct.tsi -e rmt-lct.toi -e rmt-lct.flags.close_session -e rmt-lct.hec.type -e rmt-lct.hec.len \
    2>/dev/null | sed 's/ True / 1 /; s/ False / 0 /' >seen
python3 - <<'PYTHON'
import struct
data = open("datagrams", "rb").read()
for at, line in zip(range(0, len(data), 1472), open("seen")):
    flags, codepoint, cci, tsi, toi = struct.unpack_from(">xBxBIHH", data, at)
    want = f"1 24 {codepoint} {cci:08x} {tsi} {toi} {flags >> 1 & 1} 1 3"
    if line.strip() != want:
        raise SystemExit(f"tshark says '{line.strip()}', sent was '{want}'")
PYTHON
[ "$(wc -l <seen)" = 200 ]
echo "tshark reads 200 datagrams as ALC"
