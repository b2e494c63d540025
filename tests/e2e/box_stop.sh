#!/bin/bash
# A session is stopped while a machine is in the middle of the image: the machine is told, by a box that was killed in between too, says on its
# screen what that means for its disk, and waits; the report has the cause; the next session images it as one that has just booted.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" curl tftp python3
lab_up 2
made_box 'after-pass = wait\n[session]\nstart = now\n[ring]\nrate = 12Mbit\n'
mkdir root
url=https://10.78.0.1/api/v1

made_machine "$(stat -c %s small.img)"

box() { box_up; }
send() { lab_exec "${LAB_RECEIVER[2]}" curl -sSk --max-time 20 -o got -w '%{http_code}' -H 'Content-Type: application/json' -H "Authorization: Bearer $PAGE_TOKEN" "$@"; }
want() { [ "$2" = "$1" ] || fail "expected $1, got $2: $(cat got)"; } # STATUS STATUS
screen() { grep -qa -- "$1" target.err; }
looks_empty() { cmp -n $((1 << 20)) root/dev/vda /dev/zero; }

box
lab_address "${LAB_RECEIVER[2]}" 10.78.0.12/24
page_token "${LAB_RECEIVER[2]}"
lab_exec "${LAB_RECEIVER[2]}" tftp -m binary 10.78.0.1 -c get payload/initrd initrd || fail "the payload does not load"
tail -c 1024 initrd >page
lab_start target "${LAB_RECEIVER[1]}" "$RINGCAST" target --identity page --disk-root root --framebuffer none
receives() { send $url/status >/dev/null && [ "$(json got 'any(m["state"] == "receiving" and m["percent"] > 3 for m in o["machines"])')" = true ]; }
until_true 90 receives || fail "the machine does not receive: $(cat got; tail -n 5 target.err)"
want 200 "$(send -X POST $url/sessions/1/stop)"
lab_stop box KILL
box
until_true 30 screen 'Stopped by the operator at the box. This machine waits for the next session' || fail "nothing on the screen: $(tail -n 20 target.err)"
screen 'the disk is not usable, it looks empty' || fail "what is with the disk? $(tail -n 20 target.err)"
looks_empty || fail "the disk does not look empty"
until_true 20 screen 'no session takes machines now' || fail "it does not wait: $(tail -n 20 target.err)"
stopped() { send $url/report.json >/dev/null && [ "$(json got '[(a["result"], "stopped by the operator" in a["cause"]) for a in o["attempts"]]')" = "[('fail', True)]" ]; }
until_true 20 stopped || fail "the report: $(cat got)"
pass "told after a restart of the box, on the screen and in the report; the disk looks empty, the machine waits"

want 201 "$(send -d '{"image":"small","rate":"100Mbit"}' $url/sessions)"
until_true 90 grep -q 'a machine is done' box.err || fail "no PASS: $(tail -n 5 target.out target.err box.err)"
lab_stop target
same_disk small.img root/dev/vda
pass "the next session images it"
