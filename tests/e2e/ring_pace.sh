#!/bin/bash
# The pace on the wire: captured behind the switch, no window of 100 ms holds more than the set rate allows. The mean is printed
# and must only be plausible: 99 % of the rate is for a machine that is not busy with other tests. Judged by the kernel's
# time stamps; a machine that cannot capture every frame skips.
. "$(dirname "$0")/lib.sh"
requires python3 tcpdump
TOOL=$LAB_ROOT/build/e2e/wire_tool
[ -x "$TOOL" ] || skip "build/e2e/wire_tool is not built: make e2e-programs"

# judge PCAP RATE: prints the largest and the mean rate as shares of the set one; every frame counts 1538 bytes.
judge()
{
    python3 - "$@" <<'PYTHON'
import struct, sys
data, rate, wire = open(sys.argv[1], "rb").read(), int(sys.argv[2]), 1538
at, times = 24, []
while at + 16 <= len(data):
    seconds, ns, kept, _ = struct.unpack_from("<IIII", data, at)
    times.append(seconds * 10**9 + ns)
    at += 16 + kept
times.sort()
worst = tail = 0
for i, t in enumerate(times):
    while t - times[tail] >= 10**8:
        tail += 1
    worst = max(worst, i - tail + 1)
middle = [t for t in times if t - times[0] > 2 * 10**8]
mean = (len(middle) - 1) * wire * 1e9 / (middle[-1] - middle[0]) / rate
print(f"{worst * wire * 10 / rate:.4f} {mean:.4f} {len(times)}")
PYTHON
}

lab_up 1
for mbit in 100 400 900; do
    rate=$((mbit * 125000))
    lab_capture "pace$mbit" "${LAB_RECEIVER[1]}" udp port 7800
    lab_exec "$LAB_SERVER" "$TOOL" send eth0 3 $rate offload >"$LAB_DIR/send.out"
    sent=$(json "$LAB_DIR/send.out" 'o["accepted"]')
    until_true 10 eval '[ "$(tcpdump -r "$LAB_DIR/pace$mbit.pcap" 2>/dev/null | wc -l)" -ge "$sent" ]' || true # else it lost some
    lab_stop "pace$mbit"
    read -r worst mean frames <<<"$(judge "$LAB_DIR/pace$mbit.pcap" $rate)"
    [ "$frames" = "$sent" ] || skip "the capture lost frames at $mbit Mbit/s: $frames of $sent"
    say "     $mbit Mbit/s: at most $worst of the rate in any 100 ms, $mean on average"
    python3 -c "import sys; sys.exit(not ($worst <= 1 and $mean >= 0.5))" || fail "$mbit Mbit/s: $worst, $mean"
done
pass "at 100, 400 and 900 Mbit/s never above the set rate in any 100 ms"
