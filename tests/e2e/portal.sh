#!/bin/bash
# The box's page over HTTPS to clients that are not ours: TLS 1.3 and nothing else, set-up by the code on the screen, login, tokens, what
# outlives a restart, and strangers who hold connections.
. "$(dirname "$0")/lib.sh"
requires curl openssl python3
requires "$RINGCAST"
lab_up 2
for i in 1 2; do lab_address "${LAB_RECEIVER[i]}" "10.78.0.$((10 + i))/24"; done
cd "$LAB_DIR"
mkdir data
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n' >ringcast.conf
url=https://10.78.0.1

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data
    until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
}
run() { lab_exec "${LAB_RECEIVER[$1]}" "${@:2}"; }                                  # RECEIVER CMD...
status() { run 1 curl -sSk --max-time 20 -o got -w '%{http_code}' "$@"; }           # CURL-OPTION...
answer() { python3 -c 'import json, sys; print(json.load(open("got"))[sys.argv[1]])' "$1"; }
send() { status -H 'Content-Type: application/json' "$@"; }

box
code=$(sed -n 's/^No password is set. The set-up code is \([0-9A-Z-]*\)\.$/\1/p' box.err)
[[ $code =~ ^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$ ]] || fail "there is no set-up code: $(cat box.err)"
[ "$(status $url/api/v1/health)" = 200 ] && grep -q '"password_set":false' got || fail "health: $(cat got)"
run 1 curl -sSk -D head -o /dev/null $url/
grep -qi '^content-security-policy: default-src .none.; script-src .self.;' head || fail "no policy: $(cat head)"
[ "$(run 1 curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' http://10.78.0.1/)" = "303 $url/" ] || fail "port 80 does not send to HTTPS"
pass "HTTPS answers, and port 80 sends there"

tls() { run 1 timeout 20 openssl s_client -connect 10.78.0.1:443 "$@" </dev/null 2>&1 || true; }
tls -tls1_3 | grep -q 'Protocol *: TLSv1.3\|New, TLSv1.3' || fail "no TLS 1.3"
tls -tls1_2 | grep -q 'alert\|no protocols available' || fail "TLS 1.2 is answered"
for suite in TLS_AES_128_GCM_SHA256 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_256_GCM_SHA384; do
    tls -tls1_3 -ciphersuites $suite | grep -q "Cipher is $suite" || fail "$suite"
done
for group in X25519 P-256; do
    tls -tls1_3 -groups $group | grep -q 'New, TLSv1.3' || fail "$group"
done
tls -tls1_3 -groups ffdhe2048 | grep -q 'New, TLSv1.3' && fail "a group over a finite field"
print=$(tls -tls1_3 | openssl x509 -noout -fingerprint -sha256 | cut -d= -f2)
grep -q "fingerprint $print" box.err || fail "the log names another fingerprint than $print"
pass "TLS 1.3 alone, three ciphers, two groups, the fingerprint that the box shows"

for path in api/v1/session api/v1/tokens api/v1/status api/v1/nothing metrics; do
    [ "$(status $url/$path)" = 401 ] || fail "$path without a token: $(cat got)"
done
[ "$(status -X POST $url/api/v1/logout)" = 401 ] || fail "logout without a token"
[ "$(status -H 'Host: evil.example' $url/)" = 421 ] || fail "another host's name"
[ "$(status $url/nothing)" = 404 ] || fail "404"
[ "$(status -H 'x: y' -d "$(head -c 5000 /dev/zero | tr '\0' x)" $url/api/v1/login)" = 413 ] || fail "a large body of a stranger"
pass "strangers are told nothing"

[ "$(send -d '{"code":"22222222","password":"correct horse"}' $url/api/v1/setup)" = 403 ] || fail "a wrong code: $(cat got)"
[ "$(send -d "{\"code\":\"$code\",\"password\":\"short\"}" $url/api/v1/setup)" = 422 ] || fail "a short password: $(cat got)"
[ "$(send -c jar -d "{\"code\":\"$code\",\"password\":\"correct horse\"}" $url/api/v1/setup)" = 200 ] || fail "set-up: $(cat got)"
[ "$(send -d "{\"code\":\"$code\",\"password\":\"other horse\"}" $url/api/v1/setup)" = 409 ] || fail "set-up twice"
[ "$(send -d '{"password":"wrong horse"}' $url/api/v1/login)" = 403 ] || fail "a wrong password: $(cat got)"
[ "$(send -c jar -d '{"password":"correct horse"}' $url/api/v1/login)" = 200 ] || fail "login: $(cat got)"
csrf=$(answer csrf)
[ "$(send -b jar -d '{"name":"script"}' $url/api/v1/tokens)" = 403 ] || fail "no CSRF token is asked for"
[ "$(send -b jar -H "X-Ringcast-CSRF: $csrf" -d '{"name":"script"}' $url/api/v1/tokens)" = 201 ] || fail "a token: $(cat got)"
token=$(answer token)
[ "$(status -H "Authorization: Bearer $token" $url/api/v1/tokens)" = 200 ] || fail "the token: $(cat got)"
[ "$(status -b jar $url/api/v1/session)" = 200 ] && [ "$(answer csrf)" = "$csrf" ] || fail "a page loaded again"
[ "$(status -b jar -H "X-Ringcast-CSRF: $csrf" -X POST $url/api/v1/logout)" = 204 ] || fail "logout"
[ "$(status -b jar $url/api/v1/session)" = 401 ] || fail "the session outlives its logout"
pass "set-up, login, CSRF, token, logout"

# Every route that the box's own OpenAPI file names, and one that it does not.
[ "$(status -H "Authorization: Bearer $token" $url/api/v1/openapi.json)" = 200 ] && mv got routes.json || fail "no OpenAPI file"
cat >closed.py <<'PYTHON'
import http.client, json, re, ssl, sys
allowed = {("get", "/api/v1/health"), ("post", "/api/v1/setup"), ("post", "/api/v1/login")}
routes = json.load(open("routes.json"))
asked = wrong = 0
for path, methods in [*routes["paths"].items(), ("/api/v1/nothing", {"get": 0, "delete": 0})]:
    whole = re.sub(r"\{\w+\}", "1", path)
    for method in set(methods) & {"get", "post", "put", "delete"} - {m for m, p in allowed if p == whole}:
        line = http.client.HTTPSConnection("10.78.0.1", context=ssl._create_unverified_context(), timeout=20)
        line.request(method.upper(), whole)
        status, asked = line.getresponse().status, asked + 1
        if status != 401:
            wrong += 1
            print("expected 401 for", method, whole, "got", status)
print(asked, "routes closed")
sys.exit(wrong != 0 or asked < 20)
PYTHON
run 1 python3 closed.py >closed.out || fail "a route is open: $(cat closed.out)"
pass "without a token: $(tail -1 closed.out)"

run 1 curl -skN --max-time 3 -H "Authorization: Bearer $token" $url/api/v1/events >events || true
grep -q '^event: status' events || fail "no events: $(head -c 300 events)"
pass "events"

# What was asked for on port 80 is in the access log, with the client's MAC.
run 1 curl -s -o /dev/null http://10.78.0.1/not-there || true
access() { status -H "Authorization: Bearer $token" $url/api/v1/access.log; }
until_true 10 eval '[ "$(access)" = 200 ]' || fail "no access log: $(cat got)"
grep -q '^20[0-9-]* [0-9:]* http 10.78.0.11 52:49:4e:47:00:01 - 303 ' got && grep -q ' 404 [0-9]* not-there$' got || fail "the access log: $(cat got)"
pass "the access log is downloaded"

for i in $(seq 12); do # the pauses double: at some point they are longer than a slow machine takes
    last=$(send -D head -d '{"password":"guess number '$i'"}' $url/api/v1/login)
    [ $i -lt 6 ] || [ "$last" = 403 ] || break
done
[ "$last" = 429 ] && grep -qi '^retry-after: [1-9]' head || fail "guessing is not slowed down: $last"
[ "$(run 2 curl -sSk -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d '{"password":"correct horse"}' $url/api/v1/login)" = 200 ] ||
    fail "one who guesses shuts another out"
pass "guessing is slowed down, for who guesses"

# Three thousand half-open connections a second, from addresses that do not exist: the page opens all the same.
cat >syn.py <<'PYTHON'
import os, random, socket, struct, sys, time
line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
line.bind(("eth0", 0))
mine, box = (bytes.fromhex(mac.replace(":", "")) for mac in sys.argv[1:3])
def add(data):
    n = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff
def syn():
    ends = bytes([10, 78, 0, random.randrange(100, 251), 10, 78, 0, 1])
    tcp = bytearray(struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), 443, random.getrandbits(32), 0, 0x50, 2, 64240, 0, 0))
    tcp[16:18] = struct.pack("!H", add(ends + struct.pack("!HH", 6, len(tcp)) + tcp))
    ip = bytearray(struct.pack("!BBHHHBBH", 0x45, 0, 40, random.getrandbits(16), 0x4000, 64, 6, 0) + ends)
    ip[10:12] = struct.pack("!H", add(ip))
    return box + mine + b"\x08\0" + ip + tcp
began, sent = time.monotonic(), 0
while not os.path.exists("syn.end") and time.monotonic() - began < 60:
    while sent < 3000 * (time.monotonic() - began):
        line.send(syn())
        sent += 1
        if sent == 1000:
            open("syn.on", "w").close()
    time.sleep(0.001)
print(sent, "in", round(time.monotonic() - began, 1), "s")
PYTHON
mac() { ip -n "$1" -o link show eth0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/'; }
lab_start syn "${LAB_RECEIVER[2]}" python3 syn.py "$(mac "${LAB_RECEIVER[2]}")" "$(mac "$LAB_SERVER")"
until_true 20 test -e syn.on || fail "no flood: $(cat syn.err)"
for i in $(seq 6); do run 1 curl -sSk -o /dev/null --max-time 20 -w '%{time_connect}\n' $url/ >connect && cat connect || echo 99; done >connects
touch syn.end
lab_wait syn || fail "no flood: $(cat syn.err)"
[ "$(sort -n connects | sed -n 5p | cut -d. -f1)" = 0 ] || fail "connections wait in a flood ($(cat syn.out)): $(paste -sd' ' connects)"
pass "half-open connections give way to others: $(cat syn.out), connected after $(paste -sd' ' connects) s"

# A stranger takes all the connections there are, some without a byte, some in the middle of a handshake, some in the middle of a request.
cat >hold.py <<'PYTHON'
import socket, ssl, time
context = ssl._create_unverified_context()
held = []
while len(held) < 100:
    s = socket.create_connection(("10.78.0.1", 443), timeout=10)
    if len(held) % 3 == 1:
        s.send(b"\x16\x03\x01\x02\x00\x01\x00")
    if len(held) % 3 == 2:
        try:
            s = context.wrap_socket(s)
            s.send(b"GET / HTTP/1.1\r\nHost:")
        except OSError:
            pass
    held.append(s)
print("holding", flush=True)
time.sleep(60)
PYTHON
lab_start hold "${LAB_RECEIVER[2]}" python3 hold.py
until_true 60 grep -q holding hold.out || fail "the stranger cannot connect: $(cat hold.err)"
for i in 1 2 3; do
    [ "$(status -H "Authorization: Bearer $token" $url/api/v1/tokens)" = 200 ] || fail "shut out by a stranger"
done
lab_stop hold KILL
pass "a stranger's 100 connections shut nobody out"

# Another one begins handshakes as fast as he can, far more than there are turns, with one byte each.
cat >begin.py <<'PYTHON'
import socket, time
held, sent = [], 0
while True:
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("10.78.0.1", 443))
    held.append(s)
    for h in held[-20:-10]:
        try:
            sent += h.send(b"\x16")
        except OSError:
            pass
    if len(held) > 200:
        held.pop(0).close()
    if sent > 500:
        print("many", flush=True)
        sent = 0
    time.sleep(0.001)
PYTHON
lab_start begin "${LAB_RECEIVER[2]}" python3 begin.py
until_true 60 grep -q many begin.out || fail "the stranger cannot connect: $(cat begin.err)"
for i in 1 2 3; do
    [ "$(status -H "Authorization: Bearer $token" $url/api/v1/tokens)" = 200 ] || fail "a stranger takes all turns to shake hands"
done
lab_stop begin KILL
pass "a stranger who begins handshakes keeps himself waiting"

# What he asks for is written to the log, which a terminal on the serial port shows.
run 2 curl -sS -o /dev/null 'http://10.78.0.1/%C2%9B31mred%9Braw'
until_true 5 grep -q '31mred' box.err || fail "the request is not in the log"
grep -aqP '[\x80-\x9f]31mred|\x9braw' box.err && fail "the log moves cursors: $(grep -a 31mred box.err | cat -v)"
pass "the log holds no escape of a stranger"

urls=()
for i in $(seq 40); do urls+=(-o /dev/null $url/api/v1/health); done
run 1 curl -sSk --no-progress-meter --fail --parallel --parallel-immediate --parallel-max 40 "${urls[@]}" || fail "forty at once"
pass "forty at once"

lab_stop box KILL
cp box.err first.err
box
[ "$(tls -tls1_3 | openssl x509 -noout -fingerprint -sha256 | cut -d= -f2)" = "$print" ] || fail "another certificate after a restart"
grep -q 'No password is set' box.err && fail "the password is forgotten"
[ "$(status -H "Authorization: Bearer $token" $url/api/v1/tokens)" = 200 ] || fail "the token is forgotten: $(cat got)"
[ "$(status -X DELETE -H "Authorization: Bearer $token" $url/api/v1/tokens/script)" = 204 ] || fail "the token cannot be taken back"
[ "$(status -H "Authorization: Bearer $token" $url/api/v1/tokens)" = 401 ] || fail "the token works on"
[ "$(stat -c %a data/tls/identity)" = 600 ] || fail "the page's key is not the owner's alone"
pass "certificate, password and token outlive a kill"

# The terminal that shows the log takes nothing any more.
lab_stop box
cat >deaf.py <<'PYTHON'
import pty, subprocess, sys
far, near = pty.openpty()
subprocess.run(sys.argv[1:], stderr=near)
PYTHON
lab_start deaf "$LAB_SERVER" python3 deaf.py "$RINGCAST" box --config ringcast.conf --data data
alive() { [ "$(status --max-time 5 $url/api/v1/health)" = 200 ]; }
until_true 20 alive || fail "the box does not start: $(cat deaf.err)"
asked=$(printf 'http://10.78.0.1/%0250d-[1-80]' 7)
run 2 curl -sS --max-time 20 -o /dev/null "$asked" >ask.log 2>&1 || true
alive || fail "a terminal that takes nothing stops the box"
pass "a terminal that takes nothing stops nobody"
