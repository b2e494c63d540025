#!/bin/bash
# The image library through the API, with curl: pieces, connections and boxes that go in the middle, a full disk, hostile names, a raw disk that
# is packed, served and restored, images that leave and are replaced while machines take them, pulls from a web server.
. "$(dirname "$0")/lib.sh"
requires curl python3
small_ring
lab_up 2
lab_address "${LAB_RECEIVER[1]}" 10.78.0.11/24
cd "$LAB_DIR"
mkdir data
mount -t tmpfs -o size=144M tmpfs data || skip "no tmpfs can be mounted here"
lab_on_exit "umount -l '$LAB_DIR/data'"
truncate -s 6M raw.img
head -c 4000000 /dev/urandom | dd of=raw.img conv=notrunc status=none
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[ring]\nrate = 40Mbit\n' >ringcast.conf
url=https://10.78.0.1/api/v1
bytes=$(stat -c %s small.ring)

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data
    until_true 30 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
    until_true 10 client curl -sSk --max-time 5 -o /dev/null $url/health || fail "the box does not answer"
}
client() { lab_exec "${LAB_RECEIVER[1]}" "$@"; }
status() { client curl -sSk --max-time 30 -o got -w '%{http_code}' "${auth[@]}" "$@"; }     # CURL-OPTION...
expect_status()                                                                         # STATUS CURL-OPTION...
{
    local want=$1 have
    shift
    have=$(status "$@") || true
    [ "$have" = "$want" ] || fail "$have instead of $want: $*: $(cat got)"
}
answer() { python3 -c 'import json, sys; print(eval(sys.argv[1], {"o": json.load(open("got"))}))' "$1"; }
post() { expect_status "$1" -H 'Content-Type: application/json' -d "$2" "$url/$3"; }      # STATUS JSON PATH
piece()                                                                                 # STATUS FILE ID FROM [BYTES]
{
    dd if="$2" of=piece bs=64k iflag=skip_bytes,count_bytes skip="$4" ${5:+count="$5"} status=none
    expect_status "$1" -T piece -H "Upload-Offset: $4" "$url/uploads/$3"
}
begin() { post 201 "$1" uploads; answer 'o["id"]'; }                                        # JSON: prints the number
offset() { status "$url/uploads/$1" >/dev/null && answer 'o["offset"]'; }
state_is() { [ "$(status "$url/images")" = 200 ] && [ "$(answer "[i['state'] for i in o if i['name'] == '$1']")" = "['$2']" ]; } # NAME STATE
upload_is() { status "$url/uploads/$1" >/dev/null && [ "$(answer 'o["state"]')" = "$2" ]; }
take()                                                                                  # NAME TARGET: receiver 2 takes an image
{
    lab_start take "${LAB_RECEIVER[2]}" "$RINGCAST" restore --source "ringcast://10.78.0.1/$1" --target "$2" --create --erase --noprompt \
        --json --timeout 20 --key data/identity.pub --interface eth0 --address 10.78.0.12/24
}

auth=()
box
code=$(sed -n 's/^No password is set. The set-up code is \([0-9A-Z-]*\)\.$/\1/p' box.err)
for request in "GET images" "GET uploads" "GET uploads/1" "POST uploads" "PUT uploads/1" "DELETE uploads/1" "POST pulls" "DELETE images/x" "POST images/x/verify"; do
    expect_status 401 -X "${request% *}" "$url/${request#* }"
done
expect_status 200 -c jar -H 'Content-Type: application/json' -d "{\"code\":\"$code\",\"password\":\"correct horse\"}" $url/setup
csrf=$(answer 'o["csrf"]')
expect_status 201 -b jar -H "X-Ringcast-CSRF: $csrf" -H 'Content-Type: application/json' -d '{"name":"test"}' $url/tokens
auth=(-H "Authorization: Bearer $(answer 'o["token"]')")
pass "no stranger gets near it"

# ---- pieces ----
hash=$(sha256sum small.ring | cut -d' ' -f1)
id=$(begin "{\"name\":\"small\",\"version\":\"1.0\",\"note\":\"a note\",\"bytes\":$bytes,\"sha256\":\"$hash\"}")
piece 200 small.ring "$id" 0 100000
[ "$(offset "$id")" = 100000 ] || fail "the offset after a piece: $(cat got)"
client curl -sSkI "${auth[@]}" "$url/uploads/$id" | grep -qi '^upload-offset: 100000' || fail "HEAD does not say the offset"
piece 409 small.ring "$id" 50000 1000
[ "$(answer 'o["offset"]')" = 100000 ] || fail "409 does not say the offset: $(cat got)"
tail -c +100001 small.ring >piece
status --limit-rate 400k --max-time 2 -T piece -H 'Upload-Offset: 100000' "$url/uploads/$id" >/dev/null 2>&1 && fail "this connection was to be cut"
at=$(offset "$id")
[ "$at" -gt 100000 ] && [ "$at" -lt "$bytes" ] || fail "a cut connection leaves the offset at $at"
[ "$(status $url/images)" = 200 ] && [ "$(cat got)" = '[]' ] || fail "half an image is listed: $(cat got)"
piece 200 small.ring "$id" "$at" 20000000
until_true 10 ls data/library/*.mark
lab_stop box KILL
box
at=$(offset "$id")
[ "$at" = 16777216 ] || [ "$at" -gt 16777216 ] || fail "the upload is forgotten: $(cat got)"
[ "$(status $url/images)" = 200 ] && [ "$(cat got)" = '[]' ] || fail "half an image is listed: $(cat got)"
piece 200 small.ring "$id" "$at"
until_true 60 state_is small ready || fail "the upload becomes no image: $(cat got)"
[ "$(answer 'o[0]["sha256"], o[0]["version"], o[0]["note"], o[0]["raw_bytes"], o[0]["bytes"]')" = \
  "('$hash', '1.0', 'a note', $(stat -c %s small.img), $bytes)" ] || fail "what is said of the image: $(cat got)"
[ "$(answer 'o[0]["signer"]')" = "$(openssl pkey -pubin -in small.pub -outform DER | tail -c 65 | sha256sum | cut -d' ' -f1)" ] || fail "signer: $(cat got)"
[ "$(hello "${LAB_RECEIVER[1]}" 10.78.0.1)" = 'no session takes machines now; one can be started at the box' ] || fail "what is there erases whoever boots"
take small disk1
lab_wait take 60 || fail "what was uploaded is not restored: $(cat take.err)"
same_disk small.img disk1
pass "an upload in pieces, through a cut connection and a killed box, listed when it is whole, restored"

# ---- names ----
names=('""' '"."' '".."' '"../etc"' '"a/b"' '"a\\\\b"' '"a\nb"' '"a\u001b[2J"' '"a\u0000"' '"a\u202eb"' '" a"' 7 null "\"$(printf 'x%.0s' {1..65})\"" "\"$(printf 'x%.0s' {1..5000})\"")
for name in "${names[@]}"; do
    post 422 "{\"name\":$name,\"bytes\":512}" uploads
done
printf '{"name":"\xff\xfe","bytes":512}' >bad.json
expect_status 422 -H 'Content-Type: application/json' --data-binary @bad.json $url/uploads
post 422 '{"name":"x","bytes":-1}' uploads
post 422 '{"name":"x","bytes":1e9}' uploads
post 400 '{"name":"x","name":"y","bytes":512}' uploads
post 422 '{"name":"x","bytes":512,"sha256":"12"}' uploads
post 409 '{"name":"small","bytes":512}' uploads
post 507 '{"name":"x","bytes":1000000000}' uploads
for path in 'images/..%2f..%2fidentity.key' 'images/%2e%2e' 'images/small%00' 'images/%ff%fe'; do
    have=$(status -X DELETE -H 'Content-Type: application/json' -d '{"name":"small"}' "$url/$path")
    [ "$have" = 404 ] || [ "$have" = 400 ] || fail "$path: $have"
done
[ -e data/identity.key ] && state_is small ready || fail "a hostile name did harm"
id=$(begin '{"name":"packed","bytes":20480}')
gzip -c raw.img >raw.gz
truncate -s 20480 raw.gz
piece 415 raw.gz "$id" 0
expect_status 204 -X DELETE "$url/uploads/$id"
pass "hostile names, sizes and files are refused in words"

# ---- a raw disk; an image leaves while a machine takes it ----
id=$(begin "{\"name\":\"Raum 3 · raw\",\"bytes\":$(stat -c %s raw.img)}")
piece 200 raw.img "$id" 0
until_true 60 state_is 'Raum 3 · raw' ready || fail "the raw disk is not packed: $(cat got)"
[ "$(answer '[i["signer"] for i in o if i["name"] != "small"]')" = "['this box']" ] || fail "who signed it: $(cat got)"
take 'Raum 3 · raw' disk2
lab_wait take 60 || fail "the raw disk is not restored: $(cat take.err)"
cmp -n "$(stat -c %s raw.img)" raw.img disk2 || fail "the raw disk is restored wrong"
expect_status 422 -X DELETE -H 'Content-Type: application/json' -d '{"name":"other"}' $url/images/small
expect_status 400 -X DELETE $url/images/small
state_is small ready || fail "deleted without its name"
take small disk3
until_true 20 grep -Eq '52:49:4e:47:00:02.*receiving' box.err
until_true 20 grep -q 'restoring: [1-9]' take.err || fail "the machine does not get on: $(cat take.err)"
expect_status 204 -X DELETE -H 'Content-Type: application/json' -d '{"name":"small"}' $url/images/small
ls data/library/*.ring | wc -l | grep -qx 1 || fail "204, and the file is there: $(ls data/library)"
status=0
lab_wait take 15 || status=$?
[ $status = 1 ] && grep -q 'the sender ended the session' take.err || fail "its receiver is not told: $status $(tail -3 take.err)"
until_true 10 sh -c '[ "$(grep -c "small: taken away" box.err)" = 1 ]'
sleep 2.5   # until then its session says that it ends
status=0
take small disk3
lab_wait take 30 || status=$?
[ $status = 1 ] && grep -q 'no image named "small"' take.err || fail "a deleted image is served: $status $(tail -3 take.err)"
pass "a raw disk is packed and restored; deleting needs the name, and tells the machine at work"

# ---- replaced ----
id=$(begin "{\"name\":\"Raum 3 · raw\",\"bytes\":$bytes,\"replace\":true,\"version\":\"2\"}")
piece 200 small.ring "$id" 0
until_true 60 eval "state_is 'Raum 3 · raw' ready && [ \"\$(answer 'o[0][\"version\"]')\" = 2 ]" || fail "not replaced: $(cat got)"
until_true 10 eval "status $url/images >/dev/null && [ \"\$(answer 'o[0][\"served\"]')\" = True ]" || fail "the new one is not served: $(cat got)"
[ "$(ls data/library/*.ring | wc -l)" = 1 ] || fail "the old one stays on the disk"
pass "an image is replaced"

# ---- a full disk ----
id=$(begin "{\"name\":\"full\",\"bytes\":$bytes}")
piece 200 small.ring "$id" 0 100000
dd if=/dev/zero of=data/filler bs=64k status=none 2>/dev/null || true
[ "$(stat -f -c %a data)" -lt 10 ] || fail "the disk is not full"
status=$(tail -c +100001 small.ring >piece; status -T piece -H 'Upload-Offset: 100000' "$url/uploads/$id") || true
[ "$status" = 507 ] || { piece 507 small.ring "$id" "$(offset "$id")"; }
[ "$(answer 'o["code"]')" = -2904 ] || fail "what is said of a full disk: $(cat got)"
post 507 '{"name":"more","bytes":512}' uploads
rm data/filler
at=$(offset "$id")
[ "$at" -ge 100000 ] && [ "$at" -lt "$bytes" ] || fail "a full disk leaves the offset at $at"
piece 200 small.ring "$id" "$at"
until_true 60 state_is full ready || fail "it does not go on after a full disk: $(cat got)"
[ "$(answer '[i["sha256"] for i in o if i["name"] == "full"]')" = "['$hash']" ] || fail "another hash: $(cat got)"
pass "a full disk is a pause"

# ---- verified again; pulled ----
post 202 '{}' images/full/verify
until_true 60 state_is full ready || fail "verify: $(cat got)"
file=$(ls -t data/library/*.ring | head -1)
flip "$file" $((bytes / 2))
post 202 '{}' images/full/verify
until_true 60 state_is full bad || fail "a damaged image verifies: $(cat got)"
expect_status 204 -X DELETE -H 'Content-Type: application/json' -d '{"name":"full"}' $url/images/full
lab_start web "${LAB_RECEIVER[1]}" python3 -m http.server 8000
until_true 10 grep -q . web.err web.out || true
post 422 '{"name":"pulled","url":"ftp://10.78.0.11/small.ring"}' pulls
post 422 '{"name":"pulled","url":"file:///etc/passwd"}' pulls
post 202 '{"name":"gone","url":"http://10.78.0.11:8000/nothing.ring"}' pulls
id=$(answer 'o["id"]')
until_true 20 upload_is "$id" failed || fail "a pull of nothing: $(cat got)"
answer 'o["cause"]' | grep -q 404 || fail "why a pull fails: $(cat got)"
post 202 '{"name":"pulled","url":"http://10.78.0.11:8000/small.ring"}' pulls
until_true 60 state_is pulled ready || fail "the pull: $(cat got) $(status $url/uploads; cat got)"
[ "$(answer '[i["sha256"] for i in o if i["name"] == "pulled"]')" = "['$hash']" ] || fail "pulled, with another hash: $(cat got)"
pass "verified on demand, pulled from a web server"

# The web server is slow and breaks its connections, and the box goes in the middle.
cat >slow.py <<'PYTHON'
import http.server, re, time
whole = open("small.ring", "rb").read()
class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))
        at = int(asked[1])
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {at}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(whole) - at))
        self.end_headers()
        for piece in range(at, min(at + 12000000, len(whole)), 400000):
            self.wfile.write(whole[piece:min(piece + 400000, len(whole))])
            time.sleep(0.03)
        self.close_connection = True
http.server.ThreadingHTTPServer(("", 8001), Slow).serve_forever()
PYTHON
lab_start slow "${LAB_RECEIVER[1]}" python3 slow.py
expect_status 204 -X DELETE -H 'Content-Type: application/json' -d '{"name":"pulled"}' $url/images/pulled
until_true 20 eval 'lab_exec "${LAB_RECEIVER[1]}" ss -Htln sport = :8001 | grep -q .' || fail "the slow server does not listen"
# The disk has the room of a deleted image when the stream has closed its file, too.
until_true 20 eval '[ "$(($(stat -f -c "%a*%S" data)))" -gt 60000000 ]' || fail "a deleted image keeps its room: $(df data)"
post 202 '{"name":"slow","url":"http://10.78.0.11:8001/x"}' pulls
id=$(answer 'o["id"]')
until_true 20 eval "[ \"\$(offset $id)\" -gt 1000000 ]" || fail "the slow pull does not begin: $(cat got)"
lab_stop box KILL
box
until_true 60 state_is slow ready || fail "the slow pull: $(cat got) $(status $url/uploads; cat got)"
[ "$(answer '[i["sha256"] for i in o if i["name"] == "slow"]')" = "['$hash']" ] || fail "slowly pulled, with another hash: $(cat got)"
pass "a pull goes on over broken connections, and begins anew after a restart"

status $url/images >/dev/null
cp got before
lab_stop box KILL
box
nothing_is_read() { [ "$(status "$url/images")" = 200 ] && ! grep -q verifying got; }
until_true 60 nothing_is_read || fail "images are still being read: $(cat got)"
python3 - <<'PYTHON' || fail "another list after a restart: $(cat before got)"
import json
a, b = ([{k: i[k] for k in ("name", "version", "root", "bytes", "state")} for i in json.load(open(f))] for f in ("before", "got"))
assert a and sorted(a, key=str) == sorted(b, key=str), (a, b)
PYTHON
lab_stop box
pass "the same list after a restart"
