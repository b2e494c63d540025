#!/bin/bash
# The product and tools/ringpacket.py, which was written from the SPECs alone, take each other's datagrams and refuse the same
# ones; and an image put on the wire with steered and unsteered repair, 1 % of it lost, comes out of the Python byte for byte.
set -eu
tool=$TOP/build/e2e/wire_tool
python=$TOP/tools/ringpacket.py
key=$(printf 'ring test secret' | od -An -tx1 | tr -d ' \n')
[ -x "$tool" ] || { echo "build/e2e/wire_tool is not built"; exit 77; }
cd "$TMPDIR"

# alter FROM TO: one random bit of each datagram flipped.
alter()
{
    python3 - "$@" <<'PYTHON'
import random, sys
d, rng = bytearray(open(sys.argv[1], "rb").read()), random.Random(7)
for at in range(0, len(d), 1472):
    bit = rng.randrange(32 * 8) if rng.random() < 0.7 else rng.randrange(1472 * 8)
    d[at + bit // 8] ^= 1 << bit % 8
open(sys.argv[2], "wb").write(d)
PYTHON
}

"$tool" write c.datagrams 400
python3 "$python" check c.datagrams --key "$key"
python3 "$python" make python.datagrams 400 --key "$key" --seed 9
[ "$("$tool" accept python.datagrams)" = '{"good": 400, "bad": 0}' ]
echo "each takes what the other makes"

alter c.datagrams altered
! python3 "$python" check altered --key "$key" >refused.json
grep -q '"good": 0,' refused.json
[ "$("$tool" accept altered)" = '{"good": 0, "bad": 400}' ]
echo "each refuses what was altered"

python3 "$python" pcap c.datagrams c.pcap
[ "$(python3 "$python" check c.pcap --key "$key")" = "$(python3 "$python" check c.datagrams --key "$key")" ]

python3 - <<'PYTHON'
import random
rng = random.Random(1)
open("disk", "wb").write(rng.randbytes(1000000) + b"easily squeezed " * 60000 + bytes(1 << 20))
PYTHON
truncate -s 4M disk
"$RINGCAST" pack disk -o image.ring --unsigned >/dev/null 2>&1
for ppm in 0 80000; do
    "$tool" stream image.ring wire $ppm
    python3 - <<'PYTHON'
import random
rng, d = random.Random(2), open("wire", "rb").read()
open("lossy", "wb").write(b"".join(d[at:at + 1472] for at in range(0, len(d), 1472) if rng.random() >= 0.01))
PYTHON
    python3 "$python" rebuild lossy image.ring again.ring --key "$key"
    cmp image.ring again.ring
    echo "rebuilt from the wire after 1 % loss, repair steered by $ppm ppm"
done
