#!/bin/bash
# A foreign reader takes our QR codes from the screen and from a terminal: zbarimg reads what was written, at one pixel a module and
# at many, short and as long as a receipt may be, and the half blocks too.
set -eu
tool=$TOP/build/e2e/screen_tool
[ -x "$tool" ] || { echo "build/e2e/screen_tool is not built"; exit 77; }
command -v zbarimg >/dev/null || { echo "zbarimg is not installed"; exit 77; }
cd "$TMPDIR"

read_back() { # PICTURE
    zbarimg --quiet --raw -Sdisable -Sqrcode.enable "$1" 2>/dev/null
}

# A terminal's lines as a picture: three pixels a module, light where the character's half is light.
half_blocks() { # LINES PICTURE
    python3 - "$1" "$2" <<'PYTHON'
import re
import sys
light = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
rows = []
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    text = re.fullmatch("\x1b\\[97;40m([█▀▄ ]+)\x1b\\[0m\r\n", line).group(1)
    rows += [[light[c][half] for c in text] for half in (0, 1)]
with open(sys.argv[2], "wb") as file:
    file.write(b"P5 %d %d 255\n" % (3 * len(rows[0]), 3 * len(rows)))
    for row in rows:
        file.write(bytes(255 * v for v in row for _ in range(3)) * 3)
PYTHON
}

long=$(printf 'mac 52:54:00:00:00:%02x\n' $(seq 18))
for text in https://10.77.0.1/ https://ringcast.local/ "${long:0:412}"; do
    for side in 170 400 1000; do
        "$tool" qr "$text" "$side" >qr.ppm
        [ "$(read_back qr.ppm)" = "$text" ] || { echo "$side pixels: expected '$text', got '$(read_back qr.ppm)'"; exit 1; }
    done
    "$tool" lines "$text" >lines
    half_blocks lines lines.pgm
    [ "$(read_back lines.pgm)" = "$text" ] || { echo "half blocks: expected '$text', got '$(read_back lines.pgm)'"; exit 1; }
done
echo "zbarimg reads pictures and half blocks"
