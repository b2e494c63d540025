#!/bin/bash
# The room by its API, with curl: sessions are made, started, suspended, resumed and stopped while a machine is in the middle of the
# image; the list of expected machines goes up and comes down; machines are woken; nothing of it without a token.
. "$(dirname "$0")/lib.sh"
requires curl python3 tcpdump tshark
small_ring
lab_up 3
lab_address "${LAB_RECEIVER[3]}" 10.78.0.13/24
cd "$LAB_DIR"
mkdir -p images data/images
mv small.ring data/images/
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[ring]\nrate = 16Mbit\n' >ringcast.conf
url=https://10.78.0.1/api/v1

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data
    until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
}
status() { lab_exec "${LAB_RECEIVER[3]}" curl -sSk --max-time 20 -o got -w '%{http_code}' "$@"; }
send() { status -H 'Content-Type: application/json' -H "Authorization: Bearer $token" "$@"; }
answer() { json got "o['$1']"; }
want() { [ "$2" = "$1" ] || fail "expected $1, got $2: $(cat got)"; } # STATUS STATUS
take()
{
    lab_start "take$1" "${LAB_RECEIVER[$1]}" "$RINGCAST" restore --source ringcast://10.78.0.1 --target "disk$1" --create --erase --noprompt \
        --json --timeout 5 --key data/identity.pub --interface eth0 --address "10.78.0.$((10 + $1))/24"
}
runs() { [ -e "/proc/${LAB_PID[$1]}" ] && ! grep -qs '^State:.Z' "/proc/${LAB_PID[$1]}/status"; }
# frames: packets of the stream that receiver 3's port sees in two seconds.
frames() { lab_exec "${LAB_RECEIVER[3]}" timeout 2 tcpdump -i eth0 -n udp dst port 7800 and multicast 2>/dev/null | grep -c ' UDP, ' || true; }

box
code=$(sed -n 's/^No password is set. The set-up code is \([0-9A-Z-]*\)\.$/\1/p' box.err)
want 200 "$(status -c jar -H 'Content-Type: application/json' -d "{\"code\":\"$code\",\"password\":\"correct horse\"}" $url/setup)"
csrf=$(answer csrf)
want 201 "$(status -b jar -H "X-Ringcast-CSRF: $csrf" -H 'Content-Type: application/json' -d '{"name":"t"}' $url/tokens)"
token=$(answer token)
for path in sessions expected; do want 401 "$(status $url/$path)"; done
for path in sessions sessions/1/stop wake machines/52:49:4e:47:00:01/arm machines/52:49:4e:47:00:01/identify; do
    want 401 "$(status -X POST $url/$path)"
done
want 401 "$(status -X PUT -d x $url/expected)"
pass "nothing without a token"

want 200 "$(send $url/sessions)"
[ "$(cat got)" = '[]' ] || fail "sessions: $(cat got)"
want 404 "$(send -d '{"image":"nothing"}' $url/sessions)"
want 400 "$(send -d '{"image":"small","start":{"rule":"soon"}}' $url/sessions)"
want 400 "$(send -d '{"image":"small","start":{"rule":"at","at":"25:00"}}' $url/sessions)"
want 400 "$(send -d '{"image":"small","rate":"fast"}' $url/sessions)"
want 400 "$(send -d '[]' $url/sessions)"
want 409 "$(send -d '{"image":"small","targets":"expected"}' $url/sessions)"
want 201 "$(send -d '{"image":"small","start":{"rule":"at","at":"'"$(date -d '+2 hours' +%H:%M)"'"},"arm_minutes":600}' $url/sessions)"
[[ $(answer sentence) == "small: starts at "*"by the box's clock, which shows "* ]] || fail "$(cat got)"
want 409 "$(send -d '{"image":"small"}' $url/sessions)"
want 409 "$(send -X POST $url/sessions/1/resume)"
want 404 "$(send -X POST $url/sessions/7/stop)"
want 404 "$(send -X POST $url/sessions/1/explode)"
pass "sessions are made, or refused with a reason"

want 200 "$(send -X POST $url/sessions/1/stop)"
want 400 "$(send -d '{"image":"small","start":{"rule":"at","at":"22:00","in_s":0}}' $url/sessions)"
want 400 "$(send -d '{"image":"small","start":{"rule":"at","at":"22:00","in_s":700000}}' $url/sessions)"
want 201 "$(send -d '{"image":"small","start":{"rule":"at","at":"22:00","in_s":7230},"arm_minutes":600}' $url/sessions)"
[[ $(answer sentence) == "small: starts in 2 h 0 min, at 22:00 by the clock of whoever planned it; "* ]] || fail "$(cat got)"
lab_stop box KILL
box
want 200 "$(send $url/sessions)"
[ "$(json got 'o["state"], o["start"]["in_s"], o["sentence"][:26]')" = "('waiting', 7230, 'small: starts in 2 h 0 min')" ] || fail "after a restart: $(cat got)"
pass "in so many seconds, over a restart of the core too"

want 409 "$(send -X DELETE -d '{"name":"small"}' $url/images/small)"
[[ $(answer detail) == *"session 2 gives out small"*"stop the session first"* ]] || fail "$(cat got)"
pass "an image that a session gives out is not deleted, and the refusal says what to do"

take 1
until_true 20 grep -q 'small: 52:49:4e:47:00:01.* joins' box.err || fail "receiver 1 does not join: $(cat take1.err)"
[ "$(frames)" = 0 ] || fail "packets before the start"
want 200 "$(send -X POST $url/sessions/2/start)"
until_true 20 grep -Eq '52:49:4e:47:00:01.*receiving' box.err || fail "receiver 1 does not start: $(cat take1.err)"
want 200 "$(send -X POST $url/sessions/2/suspend)"
until_true 10 eval '[ "$(frames)" = 0 ]' || fail "packets although it is suspended"
lab_stop box KILL
box
sleep 6 # the subject: as long as a receiver takes to be back, and its return starts nothing
[ "$(frames)" = 0 ] || fail "packets although it was suspended before the restart"
runs take1 || fail "receiver 1 does not wait: $(cat take1.err take1.out)"
want 200 "$(send $url/sessions)"
[ "$(json got 'o["state"]')" = suspended ] || fail "after a restart: $(cat got)"
want 200 "$(send -X POST $url/sessions/2/resume)"
until_true 10 eval '[ "$(frames)" -gt 0 ]' || fail "no packets after it was resumed"
want 200 "$(send -X POST $url/sessions/2/stop)"
lab_wait take1 30 && fail "receiver 1 passes after the stop"
grep -q 'stopped by the operator before all of the image was there: the disk is not usable' take1.err || fail "receiver 1 does not say why: $(cat take1.err)"
cmp -n 1048576 disk1 /dev/zero || fail "the disk does not look empty"
[ "$(hello "${LAB_RECEIVER[3]}" 10.78.0.1)" = 'no session takes machines now; one can be started at the box' ] || fail "a netbooted machine is let in after the stop"
pass "start, suspend, kill -9, resume, stop: the machine in the middle waits until the stop and is told of it, a new one is refused"

printf 'MAC,name\n52:49:4e:47:00:01,=1+1\n52:49:4e:47:00:09,never\n' >list.csv
want 200 "$(send -X PUT -H 'Content-Type: text/csv' --data-binary @list.csv $url/expected)"
[ "$(answer machines)" = 2 ] || fail "$(cat got)"
want 400 "$(send -X PUT -H 'Content-Type: text/csv' --data-binary $'52:49:4e:47:00:01\nnonsense\n' $url/expected)"
grep -q 'line 2: expected a MAC' got || fail "$(cat got)"
want 200 "$(send $url/expected)"
grep -q "\"'=1+1\"" got && [ "$(wc -l <got)" = 3 ] || fail "the list: $(cat got)"
want 201 "$(send -d '{"image":"small","targets":"expected","rate":"80Mbit"}' $url/sessions)"
id=$(answer id)
take 1
lab_wait take1 90 || fail "receiver 1 does not pass: $(cat take1.err)"
same_disk small.img disk1
pass "another session of the same image, for those on the list: the machine begins anew and passes"

printf 'MAC,name\n52:49:4e:47:00:01,=1+1\n52:49:4e:47:00:02,small\n52:49:4e:47:00:09,never\n' >list.csv
want 200 "$(send -X PUT -H 'Content-Type: text/csv' --data-binary @list.csv $url/expected)"
board() { send $url/status >/dev/null && [ "$(json got "$1")" = "$2" ]; } # PYTHON VALUE
know='(o["totals"]["passed"], o["totals"]["failed"], [(s["passed"], s["failed"]) for s in o["sessions"] if s["id"] == '"$id"'])'
truncate -s 1M disk2
take 2
lab_wait take2 60 && fail "receiver 2 passes on a disk of 1 MB"
until_true 10 board "$know" '(1, 1, [(1, 1)])' || fail "one passed and one failed: $(cat got take2.err)"
want 200 "$(send $url/status)"
cause=$(json got '[m["cause"] for m in o["machines"] if m["state"] == "fail"]')
lab_stop box KILL
box
until_true 10 board "$know" '(1, 1, [(1, 1)])' || fail "after a restart nobody has passed or failed: $(cat got)"
[ "$(json got '[m["cause"] for m in o["machines"] if m["state"] == "fail"]')" = "$cause" ] || fail "another cause after a restart, not $cause: $(cat got)"
pass "after a restart of the core the room knows who has passed, and who has failed and why"
grep -v ',small$' list.csv >less.csv
want 200 "$(send -X PUT -H 'Content-Type: text/csv' --data-binary @less.csv $url/expected)"

lab_capture wake "${LAB_RECEIVER[2]}" ether proto 0x0842
want 400 "$(send -d '{"macs":["01:00:00:00:00:00"]}' $url/wake)"
want 200 "$(send -d '{"macs":"expected"}' $url/wake)"
[ "$(answer machines)" = 1 ] || fail "$(cat got)"
want 200 "$(send -X POST $url/machines/52:49:4e:47:00:01/arm)"
want 200 "$(send -d '{"macs":["52:49:4e:47:00:01"]}' $url/wake)"
want 200 "$(send -d '{"on":true}' $url/machines/52-49-4e-47-00-01/identify)"
want 404 "$(send -X POST $url/machines/nobody/arm)"
until_true 20 eval '[ "$(tcpdump -r wake.pcap 2>/dev/null | wc -l)" -ge 6 ]' || fail "two machines are not called three times"
lab_stop wake
tshark -r wake.pcap -T fields -E occurrence=f -e wol.mac 2>/dev/null | sort -u | paste -sd ' ' >woken
[ "$(cat woken)" = '52:49:4e:47:00:01 52:49:4e:47:00:09' ] || fail "woken: $(cat woken)"
pass "woken, armed, found"

want 200 "$(send -X POST "$url/sessions/$id/stop")"
until_true 10 board '[s["passed"] for s in o["sessions"] if s["state"] == "stopped"]' '[0, 0, 1]' || fail "what the session came to: $(cat got)"
want 201 "$(send -d '{"image":"small"}' $url/sessions)"
until_true 10 board '(o["totals"]["machines"], [s["passed"] for s in o["sessions"]])' '(0, [0, 0, 1, 0])' || fail "an old state on the board: $(cat got)"
want 200 "$(send $url/report.json)"
[ "$(json got 'sum(a["result"] == "pass" for a in o["attempts"])')" = 1 ] || fail "the report forgets: $(cat got)"
pass "a new session finds a clean board, and what the one before came to stays said"
