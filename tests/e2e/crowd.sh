#!/bin/bash
# Two hundred machines send beacons and ten pages follow the room while the ring runs: every machine is in the room and is told its
# number's acks, every page sees every change, and the box's memory stays as it is. (At full size: tests/bench/rows/crowd.)
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" curl python3
TOOL=$LAB_ROOT/build/e2e/crowd_tool
[ -x "$TOOL" ] || skip "build/e2e/crowd_tool is not built: make e2e-programs"
machines=200 pages=10
lab_up 2
small_ring
cd "$LAB_DIR"
mkdir data images
mv small.ring images/
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[session]\nstart = now\n[ring]\nrate = 100Mbit\n' >ringcast.conf
lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data
until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
for i in 1 2; do lab_address "${LAB_RECEIVER[i]}" "10.78.0.$((10 + i))/24"; done
page_token "${LAB_RECEIVER[2]}"
for net in 32/27 64/26 128/26 192/26; do lab_exec "${LAB_RECEIVER[1]}" ip route add local 10.78.0.$net dev lo; done
lab_start crowd "${LAB_RECEIVER[1]}" "$TOOL" 10.78.0.1 $machines 24 10.78.0.32
until_true 60 grep -q 'all are in' crowd.err || fail "they do not get in: $(cat crowd.err)"
metrics() { lab_exec "${LAB_RECEIVER[2]}" curl -sSk --max-time 20 -H "Authorization: Bearer $PAGE_TOKEN" https://10.78.0.1/metrics; }
metrics >turns
turns=$(turns_from turns)
say "     turns of the control thread: 99.9 % within, longest: $turns s"
python3 -c 'import sys; sys.exit(not 0 < float(sys.argv[1]) <= 0.05)' "${turns%% *}" || fail "the thread that hands out addresses is held up: $turns s"
pass "$machines machines join: the control thread's turns are short"
room() { lab_exec "${LAB_RECEIVER[2]}" curl -sSk --max-time 20 -H "Authorization: Bearer $PAGE_TOKEN" -o whole https://10.78.0.1/api/v1/status; }
# The room is looked at anew every second, and the pages' program reads one event in ten: who came after the first might escape it.
until_true 20 eval "room && grep -q '\"totals\":{\"machines\":$machines,' whole" || fail "not all are in the room: $(head -c 600 whole)"
lab_start pages "${LAB_RECEIVER[2]}" "$LAB_ROOT/tests/e2e/pages_tool.py" 10.78.0.1 "$PAGE_TOKEN" $pages 16
until_true 30 grep -q 'all are open' pages.err || fail "the pages do not open: $(cat pages.err)"
rss() { awk '/^RssAnon/ { print $2 }' "/proc/${LAB_PID[box]}/status"; }
steady() { before=$(rss); sleep 1; [ "$(rss)" = "$before" ]; }
until_true 20 steady || true # what the pages take at their beginning is there
before=$(rss)
room
lab_wait pages || fail "pages: $(cat pages.err)"
after=$(rss)
lab_wait crowd || fail "crowd: $(cat crowd.err)"
say "     $(cat crowd.out)"
say "     $(cat pages.out); memory $before, then $after kB"
python3 - $machines $pages "$before" "$after" <<'PYTHON' || fail "the crowd was not served"
import json, sys
machines, pages, before, after = map(int, sys.argv[1:])
crowd, seen, room = (json.load(open(name, encoding="utf-8")) for name in ("crowd.out", "pages.out", "whole"))
assert not seen["broken"], seen
assert seen["machines"] == machines and seen["events"][0] >= 5, seen
assert crowd["own"] == machines, crowd
assert crowd["acks"] >= 0.95 * crowd["beacons"] and machines <= crowd["told"] <= 3 * machines, crowd
assert room["totals"]["imaging"] == machines == len(room["machines"]), room["totals"]
assert {m["serial"] for m in room["machines"]} == {f"=PF{i}" for i in range(machines)}
slow = [m for m in room["machines"] if m["link_mbps"] == 100]
assert len(slow) == machines // 10 and all(m["cause"].startswith("The cable runs at 100 Mbit/s") for m in slow), slow[:1]
assert len({m["number"] for m in room["machines"]}) == machines
assert after - before < 4096, (before, after)
PYTHON
pass "$machines machines and $pages pages: nobody is missed, memory stays"
