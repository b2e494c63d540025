#!/bin/bash
# The room over the API while a machine goes through it: the whole and events agree, the machine says what it is, "find me" reaches it,
# metrics are what Prometheus takes; nothing of it without a token.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" curl python3 udhcpc promtool
lab_up 2
made_box 'after-pass = wait\n[session]\nstart = now\n[ring]\nrate = 20Mbit\n'
mkdir root
url=https://10.78.0.1

# A disk of 200 MB below a machine's root, with a serial that wants to be a formula.
disk=root/sys/devices/pci0000:00/0000:00:03.0/virtio0/block/vda
mkdir -p root/sys/block root/dev root/proc/self "$disk/queue" root/sys/class/dmi/id
: >root/proc/self/mountinfo
truncate -s 200M root/dev/vda
echo $((200 * 2048)) >"$disk/size"
echo 512 >"$disk/queue/logical_block_size"
echo 0 | tee "$disk/ro" >"$disk/removable"
echo '=cmd|"disk"' >"$disk/serial"
echo 254:0 >"$disk/dev"
ln -s "../../${disk#root/}" root/sys/block/vda
printf 'PF2</script>"\n' >root/sys/class/dmi/id/product_serial

box_up
lab_address "${LAB_RECEIVER[2]}" 10.78.0.11/24
get() { lab_exec "${LAB_RECEIVER[2]}" curl -sSk --max-time 20 "$@"; }
for path in api/v1/status api/v1/events api/v1/openapi.json metrics; do
    [ "$(get -o got -w '%{http_code}' $url/$path)" = 401 ] || fail "$path without a token"
done
page_token "${LAB_RECEIVER[2]}"
auth="Authorization: Bearer $PAGE_TOKEN"
lab_start events "${LAB_RECEIVER[2]}" curl -sSkN -H "$auth" $url/api/v1/events

# The machine asks for something to boot, then runs what the box gives it.
printf '#!/bin/sh\n' >answer.sh
chmod +x answer.sh
LAB_TIMEOUT=40 lab_exec "${LAB_RECEIVER[1]}" udhcpc -i eth0 -f -q -n -t 12 -T 1 -s "$LAB_DIR/answer.sh" \
    -V PXEClient:Arch:00007:UNDI:003016 -x 0x5d:0007 -O bootfile >ask.log 2>&1 || fail "no lease: $(cat ask.log)"
until_true 20 grep -q '"state":"booting"' events.out || fail "no machine that boots: $(tail -c 1000 events.out)"
lab_address "${LAB_RECEIVER[1]}" 10.78.0.99/24
get -o initrd http://10.78.0.1/payload/initrd
ip -n "${LAB_RECEIVER[1]}" address flush dev eth0
tail -c 1024 initrd >page
lab_start target "${LAB_RECEIVER[1]}" "$RINGCAST" target --identity page --disk-root root --framebuffer none
until_true 60 grep -q '"state":"receiving"' events.out || fail "no machine that receives: $(tail -n 5 target.err)"
mac=$(grep -o '"mac":"[^"]*"' events.out | tail -n 1 | cut -d'"' -f4)
[ "$(get -o got -w '%{http_code}' -H "$auth" -H 'Content-Type: application/json' -d '{"on":true}' $url/api/v1/machines/$mac/identify)" = 200 ] ||
    fail "identify: $(cat got)"
until_true 20 grep -q '"identify":true' events.out || fail "nobody is told that the machine is looked for"
until_true 20 grep -qx '\*\*\* 1 \*\*\*' target.err || fail "the machine's screen does not show its number alone: $(tail -n 5 target.err)"
get -H "$auth" -o metrics $url/metrics
promtool check metrics <metrics || fail "promtool"
grep -q 'ringcast_machines{state="receiving"} 1' metrics || fail "metrics: $(grep ringcast_machines metrics)"
until_true 120 grep -q 'a machine is done' box.err || fail "no PASS: $(tail -n 5 target.err)"
until_true 10 grep -q '"state":"pass"' events.out || fail "nobody is told of the PASS"
get -H "$auth" -o whole $url/api/v1/status
get -H "$auth" -o described $url/api/v1/openapi.json
cmp described "$LAB_ROOT/net/web/openapi.json" || fail "another description than that of the sources"
lab_stop events
python3 - <<'PYTHON' || fail "the room is not what happened"
import json
events = [dict(line.split(": ", 1) for line in block.split("\n")) for block in open("events.out", encoding="utf-8").read().split("\n\n")[:-1]]
assert events[0]["event"] == "status" and {e["event"] for e in events[1:]} == {"change"}
machines, states, before, then = {}, [], None, None
whole = json.load(open("whole", encoding="utf-8"))
for e in events:
    data = json.loads(e["data"])
    assert int(e["id"]) == data["seq"] and (before is None or data["seq"] == before + 1), (before, data["seq"])
    before = data["seq"]
    for m in data["machines"]:
        row = machines.setdefault(m["mac"], {})
        row.update(m)
        if data["seq"] <= whole["seq"]:
            then = dict(row)
        if not states or states[-1] != row["state"]:
            states.append(row["state"])
order = ["booting", "joined", "manifest", "receiving", "verifying", "pass"]
assert states[0] == "booting" and states[-1] == "pass" and sorted(states, key=order.index) == states, states
row, = whole["machines"]
assert row == then, (row, then)
assert row["serial"] == 'PF2</script>"' and row["disk_serial"] == '=cmd|"disk"', row
assert row["number"] == 1 and row["percent"] == 100 and row["identify"] and row["link_mbps"] > 0, row
assert whole["totals"]["machines"] == whole["totals"]["passed"] == 1
assert whole["sessions"][0]["image"] and whole["sessions"][0]["passed"] == 1
print("states:", " ".join(states))
PYTHON
lab_stop target
lab_stop box
pass "a machine from its boot to its PASS, as pages and programs see it"
