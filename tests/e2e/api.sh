#!/bin/bash
# The commands that speak to a box: first to a made-up one that answers in every way it should not, then to a real one. It is known by its
# certificate's fingerprint alone; another one hears nothing. Without a terminal nothing is asked.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" openssl python3 curl
lab_up 1
cd "$LAB_DIR"
export HOME=$LAB_DIR

certificate() # NAME
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout "$1.key" -out "$1.crt" -nodes -days 2 -subj "/CN=$1" 2>/dev/null
    openssl x509 -in "$1.crt" -noout -fingerprint -sha256 | cut -d= -f2
}
mock() # NAME PORT
{
    lab_start "$1" "$LAB_SERVER" python3 "$LAB_ROOT/tests/e2e/api_mock.py" "$1.crt" "$1.key" "$2" "$LAB_DIR/log"
    until_true 20 grep -q ready "$1.out" || fail "the made-up box does not start"
}
rc() { ip netns exec "$LAB_SERVER" "$RINGCAST" "$@" </dev/null; }
asked() { grep -Fqx -- "$1" log || fail "the box was not asked '$1' but: $(tail -n 3 log)"; }
says() { grep -Eq -- "$1" expect.out || fail "does not print '$1': $(head -n 20 expect.out)"; }

print=$(certificate one)
other=$(certificate two)
mock one 4431
mock two 4432
echo 'correct horse' >password
echo t0ken >token
chmod 600 password token
: >log

# Login.
box=(--box 127.0.0.1:4431)
expect 1 rc login "${box[@]}" --password-file password
expect_says 'expected --fingerprint'
expect 1 rc login "${box[@]}" --fingerprint "$print"
expect_says 'expected --password-file'
expect 5 rc login "${box[@]}" --fingerprint "$other" --password-file password
expect_says "fingerprint is $print"
[ ! -s log ] || fail "a box that is another was asked: $(cat log)"
chmod 644 password
expect 1 rc login "${box[@]}" --fingerprint "$print" --password-file password
expect_says 'others may read'
chmod 600 password
echo 'wrong horse' >wrong
chmod 600 wrong
expect 1 rc login "${box[@]}" --fingerprint "$print" --password-file wrong
expect_says 'the password is wrong'
[ ! -e .config/ringcast/login ] || fail "a login that failed was kept"
expect 0 rc login "${box[@]}" --fingerprint "${print,,}" --password-file password --name script
asked 'POST /api/v1/tokens {"name":"script"}'
[ "$(stat -c %a .config/ringcast/login)" = 600 ] || fail "others may read the login"
grep -qx "fingerprint = $print" .config/ringcast/login || fail "the login: $(cat .config/ringcast/login)"
pass "login: nothing is asked, nothing goes to another box"

# What is shown, and exit codes.
expect 3 rc status
says '^room 7 0.1, up 1:02:05, 5 GB free'
says '^200 machines: 3 waiting.* 1 failed.*201 expected, 1 never came$'
says '^session 1 .*running .*debian .*12 machines, 5 minutes left$'
says ' 2 52:54:00:00:00:02 .*The disk answers no more$'
says '^ {22}800 Mbit/s \(100 MB/s\), the slowest disk of 12$'
[ "$(wc -l <expect.out)" = 5 ] || fail "more than machines that failed: $(cat expect.out)"
expect 3 rc status --machines
[ "$(wc -l <expect.out)" = 204 ] || fail "not every machine has its line"
grep -q $'\x1b' expect.out && fail "an escape reaches the terminal"
says '52:54:00:00:00:01 .?\?\[2Jpc "é"'
expect 3 rc status --json
[ "$(json expect.out 'len(o["machines"])')" = 200 ] || fail "the JSON is not the box's"
expect 0 rc sessions
says '^session 1'
expect 0 rc images
says "^debian .*ready .*900 MB  for disks from 8 GB$"
says '^own .*not signed$'
says '^coming .*packing .* from 1 byte$'
expect 0 rc report --output report.csv
[ "$(head -c 11 report.csv)" = attempt,mac ] || fail "the report: $(cat report.csv)"
expect 0 rc report get --format html
asked 'GET /api/v1/report.html '
pass "status, sessions, images, report"

# Orders.
expect 2 rc orders session debian </dev/null # nobody has said yes
expect_says 'expected yes, or --yes'
expect 0 rc orders session 'my "image"' --yes --include --start ready:10 --rate 300Mbit --targets expected --arm 60
asked 'POST /api/v1/sessions {"image":"my \"image\"","start":{"rule":"ready","n":10},"rate":300000000,"targets":"expected","include":true,"arm_minutes":60}'
expect 0 rc orders session debian --yes --start at:22:00
grep -Eqx 'POST /api/v1/sessions \{"image":"debian","start":\{"rule":"at","at":"22:00","in_s":[1-9][0-9]*\},"targets":"all"\}' log || fail "at 22:00 by this clock: $(tail -n 1 log)"
left=$(sed -n 's/.*"at":"22:00","in_s":\([0-9]*\).*/\1/p' log) now=$(date +%s)
[ "$(date -d "@$((now + left + 30))" +%H:%M)" = 22:00 ] || fail "22:00 is in $left s"
expect 0 rc orders session debian --yes --start at:25:00
asked 'POST /api/v1/sessions {"image":"debian","start":{"rule":"at","at":"25:00"},"targets":"all"}'
expect 0 rc orders session debian --yes --start quiet:5 --json
asked 'POST /api/v1/sessions {"image":"debian","start":{"rule":"quiet","minutes":5},"targets":"all"}'
says '^{"ok":true}$'
expect 0 rc orders stop 1
asked 'POST /api/v1/sessions/1/stop {}'
expect 0 rc orders unidentify 52:54:00:00:00:01
asked 'POST /api/v1/machines/52:54:00:00:00:01/identify {"on":false}'
expect 0 rc orders arm 'a/b'
asked 'POST /api/v1/machines/a%2Fb/arm {}'
expect 0 rc orders wake 52:54:00:00:00:01 52:54:00:00:00:02
asked 'POST /api/v1/wake {"macs":["52:54:00:00:00:01","52:54:00:00:00:02"]}'
expect 0 rc images verify debian
asked 'POST /api/v1/images/debian/verify {}'
expect 4 rc images delete debian
expect_says 'expected --yes'
grep -q DELETE log && fail "deleted without --yes"
expect 0 rc images delete debian --yes
asked 'DELETE /api/v1/images/debian {"name":"debian"}'
for wrong in 'orders' 'orders start x' 'orders session a --start never' 'orders session a --start ready:0' 'orders stop 1 --rate 3' \
    'orders wake' 'status word' 'status --nothing' 'images delete' 'report --format xml' 'status --timeout 0' 'status --fingerprint ab' \
    'status --box a:b'; do
    # shellcheck disable=SC2086 # words
    expect 2 rc $wrong
done
expect 0 rc wake
asked 'POST /api/v1/wake {"macs":"expected"}'
expect 0 rc wake 52:49:4e:47:00:01 52:49:4e:47:00:02
asked 'POST /api/v1/wake {"macs":["52:49:4e:47:00:01","52:49:4e:47:00:02"]}'
printf 'MAC,name\n52:49:4e:47:00:01,one\n' >list.csv
expect 0 rc expected put list.csv
asked "PUT /api/v1/expected MAC,name"
expect 1 rc expected put /nonexistent
expect_says 'cannot read /nonexistent'
: >empty.csv
expect 1 rc expected put empty.csv
expect 2 rc expected put
expect 0 rc images pull https://server/debian.ring debian --label 12 --sha256 00ff --server-fingerprint AB:CD
asked 'POST /api/v1/pulls {"url":"https://server/debian.ring","name":"debian","version":"12","sha256":"00ff","fingerprint":"AB:CD"}'
expect 2 rc images pull https://server/debian.ring
pass "orders"

# Answers that are none, and whoever else answers.
echo chunked >mode
expect 3 rc status --json
[ "$(json expect.out 'len(o["machines"])')" = 200 ] || fail "chunks are not joined"
for mode in cut nonsense; do
    echo $mode >mode
    expect 1 rc status
    expect 1 rc orders start 1
    expect 1 rc orders start 1 --json
    grep -q '<html>' expect.out && fail "what is no answer is printed: $(cat -v expect.out)"
done
echo problem >mode
expect 1 rc orders start 1 --json
expect_says 'another session runs'
[ "$(json expect.out 'o["error"]')" = -3306 ] || fail "the failure as JSON: $(cat expect.out)"
echo slow >mode
expect 1 rc status --timeout 1
expect_says 'did not answer in time'
rm mode
expect 1 rc status --token-file password
expect_says "a login or a token is needed"
expect 5 rc status --box 127.0.0.1:4432 --fingerprint "$print" --token-file token
expect 1 rc status --box 127.0.0.1:4432
expect_says 'expected --fingerprint'
expect 1 rc status --box 127.0.0.1:4432 --fingerprint "$other"
expect_says 'a login or a token is needed' # the token of one box is not for another
expect 1 rc status --box 127.0.0.1:1
expect_says 'cannot reach'
chmod 644 .config/ringcast/login
expect 1 rc status
expect_says 'others may read'
HOME=/nonexistent expect 1 rc status
expect_says "'ringcast login'"
pass "what is no answer of this box is refused"

# A real box.
lab_address "${LAB_RECEIVER[1]}" 10.78.0.11/24
small_ring
mkdir data images
mv small.ring images/
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n' >ringcast.conf
lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data
until_true 20 grep -q 'fingerprint' box.err || fail "the box has no page"
print=$(sed -n 's/.*fingerprint \([0-9A-F:]*\)$/\1/p' box.err)
code=$(sed -n 's/^No password is set. The set-up code is \([0-9A-Z-]*\)\.$/\1/p' box.err)
lab_exec "${LAB_RECEIVER[1]}" curl -sSfk -H 'Content-Type: application/json' -d "{\"code\":\"$code\",\"password\":\"correct horse\"}" \
    https://10.78.0.1/api/v1/setup -o /dev/null || fail "set-up"
away() { lab_exec "${LAB_RECEIVER[1]}" "$RINGCAST" "$@" </dev/null; }
expect 5 away login --box 10.78.0.1 --fingerprint "$other" --password-file password --login real
expect 1 away login --box 10.78.0.1 --fingerprint "$print" --password-file wrong --login real
expect 0 away login --box 10.78.0.1 --fingerprint "$print" --password-file password --login real
expect 0 away status --login real
says '^ringcast 0.1, up .* free'
says '^0 machines: 0 waiting'
expect 0 away status --login real --json
[ "$(json expect.out 'o["box"]["fingerprint"]')" = "$print" ] || fail "the status: $(cat expect.out)"
expect 0 away images --login real
says '^small .*ready '
expect 0 away images verify small --login real
expect 1 away images verify nothing --login real
expect 1 away images delete nothing --yes --login real
cp images/small.ring big.ring
expect 0 away images upload big.ring --name another --label 7 --login real
expect 0 away images --login real # the upload ended with the box's verdict: nothing is waited for
says '^another  *7  *ready '
cp big.ring bad.ring
flip bad.ring $(($(stat -c %s bad.ring) / 2))
expect 1 away images upload bad.ring --login real
expect_says 'the box does not take bad: '
expect 1 away images upload big.ring --name another --login real # there is one of that name
expect 0 away images delete another --yes --login real
expect 1 away images upload nothing.ring --login real
# An upload that broke off is gone on with.
api=(lab_exec "${LAB_RECEIVER[1]}" curl -sSfk -o got -H "Authorization: Bearer $(sed -n 's/^token = //p' real)")
"${api[@]}" -H 'Content-Type: application/json' -d "{\"name\":\"third\",\"bytes\":$(stat -c %s big.ring)}" https://10.78.0.1/api/v1/uploads
id=$(json got 'o["id"]')
head -c 100000 big.ring | "${api[@]}" -T - -H 'Upload-Offset: 0' -H 'Transfer-Encoding:' -H 'Content-Length: 100000' "https://10.78.0.1/api/v1/uploads/$id" ||
    fail "the first piece: $(cat got)"
expect 0 away images upload big.ring --name third --resume --json --login real
[ "$(json expect.out 'o["id"]')" = "$id" ] || fail "another upload: $(cat expect.out)"
expect 0 away images --login real
says '^third .*ready '
expect 1 away orders session nothing --yes --login real
expect 0 away orders session small --yes --start ready:7 --rate 20Mbit --login real
expect 0 away sessions --login real --json
[ "$(json expect.out 'o["start"]["n"]')" = 7 ] || fail "the session: $(cat expect.out)"
expect 0 away sessions --login real
says '^session 1 +waiting +small '
expect 0 away orders stop 1 --login real
expect 1 away orders stop 99 --login real
expect 0 away orders wake 52:54:00:00:00:01 --login real
printf 'MAC;name\n52:49:4e:47:00:01;one\n' >list.csv
expect 1 away wake --login real
expect_says 'a list of machines first'
expect 0 away expected put list.csv --login real
expect_says '1 machines are expected'
expect 0 away expected --login real
says '^52:49:4e:47:00:01,"one"'
printf 'nonsense\n' >wrong.csv
expect 1 away expected put wrong.csv --login real
expect 0 away wake --login real
expect_says '1 of 1 listed machines'
expect 1 away images pull ftp://10.78.0.2/x.ring x --login real
expect 1 away orders identify 52:54:00:00:00:01 --token-file wrong --login real
expect_says 'login or a token'
expect 0 away report -o report.csv --login real
head -n 1 report.csv | grep -q '^.*attempt,mac,name' || fail "the report: $(head -c 300 report.csv)"
expect 0 rc report verify report.csv --key data/identity.pub
expect 5 rc report verify report.csv --key small.pub
expect 0 away report --format pub -o box.pub --login real
cmp box.pub data/identity.pub || fail "the key that verifies: $(cat box.pub)"
expect 0 rc report verify report.csv --key box.pub
pass "the same to a real box"
