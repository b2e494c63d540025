#!/bin/bash
# The serve command as a whole: asr's plist, Loop Suspend, a snooping switch, lines that lose a fifth of all frames, connections that
# say nothing, strangers, and an orderly end.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" python3
lab_up 3
lab_snooping
cd "$LAB_DIR"

truncate -s 8M source
head -c 6000000 /dev/urandom | dd of=source conv=notrunc status=none
"$RINGCAST" pack source -o a.ring --unsigned --name alpha 2>/dev/null
"$RINGCAST" pack source -o b.ring --unsigned --name beta 2>/dev/null
cat > asr.plist <<'PLIST'
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Data Rate</key>
	<integer>12500000</integer>
	<key>Loop Suspend</key>
	<integer>2</integer>
	<key>Multicast Address</key>
	<string>239.7.7.7</string>
	<key>DNS Service Discovery</key>
	<false/>
	<key>Port</key>
	<integer>7801</integer>
</dict>
</plist>
PLIST

# restore N URL-PART [OPTION...]: receiver N, target tN.
restore()
{
    local n=$1 url=$2
    shift 2
    LAB_TIMEOUT=60 lab_exec "${LAB_RECEIVER[n]}" "$RINGCAST" restore --source "ringcast://10.0.0.1$url" --target "t$n" --create --erase \
        --any-signer --noprompt --interface eth0 --address "10.0.0.1$n/24" "$@"
}

serve()
{
    lab_start serve "$LAB_SERVER" "$RINGCAST" serve --interface eth0 --address 10.0.0.1/24 --json "$@"
    until_true 10 grep -q 'waiting for the first receiver' serve.err || fail "serve does not start"
}

says() { grep -q -- "$1" serve.err; }

# 1. asr's plist, and what Loop Suspend 2 means: two whole loops that nobody needed, then silence.
serve --config asr.plist a.ring
says 'group 239.7.7.7, TTL 3, 100 Mbit/s (12.5 MB/s)' || fail "the plist was not heard"
says 'Starting stream' && fail "the stream runs before anybody needs it"
expect 0 restore 1 :7801
cmp source t1 || fail "what was restored through a snooping switch differs"
until_true 20 says 'nobody needs the stream: suspended' || fail "never suspended"
loops=$(sed -E '1,/: (verifying|pass)$/d' serve.err | grep -c 'Starting stream') || true
[ "$loops" -ge 2 ] && [ "$loops" -le 4 ] || fail "$loops loops begun after the last receiver was done, with Loop Suspend 2"
grep -Eq '^20[0-9-]+ [0-9:]+ alpha: Starting stream \(loop 1\)$' serve.err || fail "no date at Starting stream"
expect 0 restore 2 :7801
says 'needed again: the stream resumes' || fail "did not resume"
kill -TERM "${LAB_PID[serve]}"
lab_wait serve 10 || fail "exit $? instead of 0 after two machines passed"
[ "$(json serve.out 'o["ok"], o["images"][0]["passed"], o["images"][0]["rate"]')" = "(True, 2, 12500000)" ] ||
    fail "summary: $(cat serve.out)"

# 2. Two images; lines that lose 10 and 20 %; a hundred connections that say nothing; strangers.
lab_loss 1 10
lab_loss 2 20
serve --config /dev/null --rate 100Mbit a.ring b.ring
lab_address "${LAB_RECEIVER[3]}" 10.0.0.23/24
lab_start silent "${LAB_RECEIVER[3]}" python3 -c '
import socket, time
s = [socket.create_connection(("10.0.0.1", 7800)) for _ in range(100)]
print("up", flush=True)
time.sleep(60)'
until_true 20 grep -q up silent.out || fail "a hundred connections were not accepted"
answer=$(lab_exec "${LAB_RECEIVER[3]}" python3 -c '
import socket
s = socket.create_connection(("10.0.0.1", 7800))
s.sendall(b"GET / HTTP/1.1\r\n\r\n")
print(s.makefile("rb").read()[11:].decode())')
case $answer in *"a hello was expected"*) ;; *) fail "a stranger was told: $answer" ;; esac
lab_start r1 "${LAB_RECEIVER[1]}" "$RINGCAST" restore --source ringcast://10.0.0.1/alpha --target t1 --create --erase \
    --any-signer --noprompt --interface eth0 --address 10.0.0.11/24
lab_start r2 "${LAB_RECEIVER[2]}" "$RINGCAST" restore --source ringcast://10.0.0.1/beta --target t2 --create --erase \
    --any-signer --noprompt --interface eth0 --address 10.0.0.12/24
until_true 10 says 'alpha: 52:49:4e:47:00:01 (10.0.0.11) joins' || fail "10 % loss keeps a receiver out"
until_true 10 says 'beta: 52:49:4e:47:00:02 (10.0.0.12) joins' || fail "20 % loss keeps a receiver out"
lab_wait r1 60 || fail "10 % loss: exit $?"
lab_wait r2 60 || fail "20 % loss: exit $?"
expect 1 restore 3 ""
expect_says 'several images, name one: alpha, beta'
expect 1 restore 3 /gamma
expect_says 'no image named "gamma" is served here'
expect 1 restore 3 :7802 --timeout 2
expect_says 'port 7802: nothing listens there'
lab_start r3 "${LAB_RECEIVER[3]}" "$RINGCAST" restore --source ringcast://10.0.0.99 --target t3 --create --erase --any-signer \
    --noprompt --interface eth0 --address 10.0.0.13/24
sleep 1
kill -TERM "${LAB_PID[r3]}"
status=0
lab_wait r3 3 || status=$?
[ $status = 1 ] || fail "a restore that waits for its server ends with $status on SIGTERM"

# 3. The end: who was not done is not passed over in silence.
lab_start r2 "${LAB_RECEIVER[2]}" "$RINGCAST" restore --source ringcast://10.0.0.1/beta --target t4 --create --erase --any-signer \
    --noprompt --interface eth0 --address 10.0.0.12/24 --write-limit 100kB --memory 288MiB
until_true 10 says 'beta: needed again' || fail "nobody needs beta again"
lab_stop r2 KILL
kill -TERM "${LAB_PID[serve]}"
status=0
lab_wait serve 10 || status=$?
[ $status = 3 ] || fail "exit $status instead of 3 with a machine unfinished"
[ "$(json serve.out '[(i["name"], i["passed"], i["unfinished"]) for i in o["images"]]')" = "[('alpha', 1, 0), ('beta', 0, 1)]" ] ||
    fail "summary: $(cat serve.out)"
[ "$(json serve.out 'o["refused_messages"] >= 1')" = true ] || fail "strangers are not counted"

# 4. What cannot work is said at once.
expect 1 lab_exec "$LAB_SERVER" "$RINGCAST" serve --interface nosuch0 a.ring
expect_says 'nosuch0'
expect 1 lab_exec "$LAB_SERVER" "$RINGCAST" serve --interface eth0 --address 10.0.0.1/24 a.ring a.ring
expect_says 'two images are called "alpha"'
expect 2 lab_exec "$LAB_SERVER" "$RINGCAST" serve --interface eth0 --rate fast a.ring
expect_says 'rate: expected a rate such as'
pass "plist, Loop Suspend, snooping, lossy lines, strangers, an orderly end"
