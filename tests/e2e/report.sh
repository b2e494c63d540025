#!/bin/bash
# The morning after: machines pass, are stopped, refuse the image, never speak and never come, the core is killed in the middle of one; then the report of the API is
# read by Python and verified, and a syslog server and a webhook have been told the same.
. "$(dirname "$0")/lib.sh"
requires curl python3 rsyslogd
small_ring
lab_up 3
lab_address "${LAB_RECEIVER[3]}" 10.78.0.13/24 # the technician's laptop, log server and webhook
cd "$LAB_DIR"
mkdir images data
mv small.ring images/small.ring
cat >ringcast.conf <<'CONF'
[box]
address = 10.78.0.1/24
name = prep
[dhcp]
mode = off
[ring]
rate = 60Mbit
[report]
syslog = 10.78.0.13:5514
webhook = http://10.78.0.13:8080/hook
webhook-secret = correct horse battery
CONF
cat >machines.csv <<'CSV'
MAC,name,asset,position
52:49:4e:47:00:01,"=1+1""]x",<b>A-1</b>,row 1
52:49:4e:47:00:02,Desk 2,A-2,row 1
52:49:4e:47:00:09,Desk 9,A-9,row 3
CSV

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data
    until_true 30 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
}
# take I [KEY]: receiver I takes the image, in the background, as "takeI".
take()
{
    lab_start "take$1" "${LAB_RECEIVER[$1]}" "$RINGCAST" restore --source ringcast://10.78.0.1/small --target "disk$1" --create --erase --noprompt \
        --json --timeout 20 --interface eth0 --address "10.78.0.$((10 + $1))/24" --key "${2:-data/identity.pub}"
}
run() { lab_exec "${LAB_RECEIVER[3]}" "$@"; }
send() { run curl -sSk --max-time 20 -o got -w '%{http_code}' -H 'Content-Type: application/json' "$@"; }

# ---- who listens ----
cat >hook.py <<'PYTHON'
import hashlib, hmac, http.server, json
class Hook(http.server.BaseHTTPRequestHandler):
    seen = 0
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sign = "sha256=" + hmac.new(b"correct horse battery", body, hashlib.sha256).hexdigest()
        Hook.seen += 1
        if not hmac.compare_digest(sign, self.headers["X-Ringcast-Signature"]):
            print("forged", flush=True)
        event = json.loads(body)
        good = event["delivery"] == self.headers["X-Ringcast-Delivery"] and self.path == "/hook" and event["box"] == "prep"
        status = 503 if Hook.seen <= 2 else 204
        print("told" if good and status == 204 else "later" if good else "wrong", event["event"], event["delivery"],
              event["attempt"]["attempt"], event["attempt"]["mac"], event["attempt"]["result"], event["attempt"]["name"], flush=True)
        self.send_response(status)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("10.78.0.13", 8080), Hook).serve_forever()
PYTHON
lab_start hook "${LAB_RECEIVER[3]}" python3 hook.py
cat >rsyslog.conf <<CONF
global(workDirectory="$LAB_DIR" parser.permitSlashInProgramName="on")
module(load="imudp")
module(load="mmpstrucdata")
input(type="imudp" address="10.78.0.13" port="5514")
template(name="line" type="string" string="%hostname%|%app-name%|%msgid%|%syslogseverity-text%|%\$!rfc5424-sd%|%msg%\\n")
action(type="mmpstrucdata")
action(type="omfile" file="$LAB_DIR/syslog.lines" template="line" asyncWriting="off" flushOnTXEnd="on")
CONF
lab_start syslog "${LAB_RECEIVER[3]}" rsyslogd -n -f rsyslog.conf -i "$LAB_DIR/rsyslog.pid"
until_true 10 eval "ip netns exec ${LAB_RECEIVER[3]} ss -lunt | grep -q ':5514'" || fail "rsyslog does not listen: $(cat syslog.err)"

# ---- the night ----
box
code=$(sed -n 's/^No password is set. The set-up code is \([0-9A-Z-]*\)\.$/\1/p' box.err)
url=https://10.78.0.1/api/v1
[ "$(send -c jar -d "{\"code\":\"$code\",\"password\":\"correct horse\"}" $url/setup)" = 200 ] || fail "set-up: $(cat got)"
csrf=$(python3 -c 'import json; print(json.load(open("got"))["csrf"])')
[ "$(send -b jar -H "X-Ringcast-CSRF: $csrf" -d '{"name":"script"}' $url/tokens)" = 201 ] || fail "a token: $(cat got)"
token=$(python3 -c 'import json; print(json.load(open("got"))["token"])')

lab_loss 1 1
take 1
lab_wait take1 60 || fail "receiver 1: $(cat take1.err)"
take 2
until_true 20 grep -Eq '52:49:4e:47:00:02.*receiving' box.err || fail "receiver 2 does not start: $(cat take2.err)"
until_true 20 grep -q 'restoring: [1-9]' take2.err || fail "receiver 2 does not get on: $(cat take2.err)"
kill -KILL "${LAB_PID[box]}"
lab_stop box KILL
mv box.err first.err
box
lab_wait take2 90 || fail "receiver 2: $(cat take2.err)"
rm disk1
lab_no_loss 1
take 1
until_true 20 grep -Eq '52:49:4e:47:00:01.*receiving' box.err || fail "receiver 1 does not start again: $(cat take1.err)"
until_true 20 grep -q 'restoring: [1-9]' take1.err || fail "receiver 1 does not get on: $(cat take1.err)"
lab_stop take1 INT
status=0
rm disk2
take 2 small.pub # not the box's key
lab_wait take2 60 || status=$?
[ $status = 5 ] || fail "another key's image: $status"
# a stranger who says hello, and no more
run python3 -c '
import socket
body = bytes.fromhex("52494e470003") + b"stranger" + b"\x05small\x01" # a person
s = socket.create_connection(("10.78.0.1", 7800), timeout=10)
s.sendall(b"RING\x01\x01" + len(body).to_bytes(2, "big") + body)
assert s.recv(6) == b"RING\x01\x02"' || fail "no welcome"

# ---- the morning ----
fetch() { run curl -sSk --fail --max-time 30 -H "Authorization: Bearer $token" -D "head.$1" -o "report.$1" "$url/report.$1"; }
never_heard() { fetch csv && grep -q 'was never heard of' report.csv; }
until_true 60 never_heard || fail "who never spoke is not in the report: $(cat report.csv)"
[ "$(run curl -sSk -o got -w '%{http_code}' $url/report.csv)" = 401 ] || fail "a stranger reads the report"
for f in csv json html; do
    fetch $f
    python3 "$LAB_ROOT/tests/unit/report_judge.py" $f report.$f >$f.rows || fail "$f is no $f"
    expect 0 "$RINGCAST" report verify report.$f --key data/identity.pub
    expect 5 "$RINGCAST" report verify report.$f --key small.pub
    sed 's/52:49:4e:47:00:02/52:49:4e:47:00:03/' report.$f >altered.$f
    expect 1 "$RINGCAST" report verify altered.$f --key data/identity.pub
    head -c -1 report.$f >altered.$f
    expect 1 "$RINGCAST" report verify altered.$f --key data/identity.pub
done
sed "s/\t'/\t/g" csv.rows | cmp - json.rows || fail "CSV and JSON say different things" # but for the apostrophe before a formula
cut -f1,2,3,14-20,22 csv.rows | sed 's/^/  /' >&2
row() { awk -F'\t' -v "$@" csv.rows | grep -q .; }
row n=1 '$1 == n && $2 == "52:49:4e:47:00:01" && $17 == "yes" && $18 == "pass" && $20 == 1 && $22 == 1 && $14 > 0 && $11 != "" && $15 > 3000 && $16 > 50' || fail "the first that passed"
row n=2 '$1 == n && $2 == "52:49:4e:47:00:02" && $3 == "Desk 2" && $17 == "yes" && $18 == "pass" && $20 == 1 && $22 == 2' ||
    fail "the one that lived through the kill"
row n=3 '$1 == n && $2 == "52:49:4e:47:00:01" && $17 == "no" && $18 == "fail" && $19 ~ /\(error -807\)/' || fail "the one that was stopped"
row n=4 '$1 == n && $2 == "52:49:4e:47:00:02" && $18 == "fail" && $19 ~ /key.*\(error -420\)/' || fail "the one with another key"
row n= '$1 == n && $2 == "52:49:4e:47:00:03" && $18 == "lost"' || fail "the one that never spoke"
row n= '$1 == n && $2 == "52:49:4e:47:00:09" && $3 == "Desk 9" && $18 == "never came"' || fail "the one that never came"
grep -qi "^content-security-policy: default-src 'none'; style-src 'sha256-" head.html || fail "the page has no policy of its own"
[ "$(grep -ci '^content-security-policy' head.html)" = 1 ] || fail "two policies"
hash=$(python3 -c 'import base64, hashlib, re
style = re.search(rb"<style>(.*?)</style>", open("report.html", "rb").read(), re.S).group(1)
print(base64.b64encode(hashlib.sha256(style).digest()).decode())')
grep -qF "'sha256-$hash'" head.html || fail "the policy forbids the page's own style"
pass "six rows in three formats, signed"

told=$(grep -c '^told' hook.out || true)
until_true 20 eval '[ "$(grep -c "^told" hook.out)" -ge 8 ]' || fail "the webhook was told $told times: $(cat hook.out)"
grep -q '^forged\|^wrong' hook.out && fail "a webhook that is not ours: $(cat hook.out)"
[ "$(grep -c '^later' hook.out)" = 2 ] || fail "tries: $(cat hook.out)"
grep -q '^told attempt.began 1-1 1 52:49:4e:47:00:01 running =1+1"]x$' hook.out || fail "the beginning: $(cat hook.out)"
grep -q '^told attempt.ended 2-[0-9]* 2 52:49:4e:47:00:02 pass Desk 2$' hook.out || fail "the end: $(cat hook.out)"
[ "$(sed -n 's/^told [^ ]* \([^ ]*\) .*/\1/p' hook.out | sort | uniq -d)" = "" ] || fail "told twice: $(cat hook.out)"
pass "a webhook that was away for two tries has heard every event once"

grep -q '^prep|ringcast|START|notice||.*the box is up$' syslog.lines || fail "syslog, the start: $(cat syslog.lines)"
grep 'ATTEMPT-ENDED|notice' syslog.lines | sed -n 's/^[^{]*|\({.*}\)|.*/\1/p' | python3 -c '
import json, sys
found = [json.loads(line)["attempt@32473"] for line in sys.stdin]
assert [(f["attempt"], f["mac"], f["result"], f["name"]) for f in found] == [
    ("1", "52:49:4e:47:00:01", "pass", "=1+1\"]x"), ("2", "52:49:4e:47:00:02", "pass", "Desk 2")], found' || fail "syslog: $(cat syslog.lines)"
pass "rsyslog reads what the box says"
