#!/bin/bash
# Sticks, played by a folder as PID 1 makes it, at a box in a namespace: listed, copied over the API, pulled out in the middle, and taken by the
# configuration alone. The box confines itself, and reads them all the same.
. "$(dirname "$0")/lib.sh"
requires curl python3
small_ring
lab_up 1
lab_address "${LAB_RECEIVER[1]}" 10.78.0.11/24
cd "$LAB_DIR"
mkdir -p data stick/{0,1,2,3}
config='[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n'
printf "$config" >ringcast.conf
url=https://10.78.0.1/api/v1
bytes=$(stat -c %s small.ring)

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data --sticks stick
    until_true 30 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
    until_true 10 client curl -sSk --max-time 5 -o /dev/null $url/health || fail "the box does not answer"
}
client() { lab_exec "${LAB_RECEIVER[1]}" "$@"; }
status() { client curl -sSk --max-time 30 -o got -w '%{http_code}' -H "Authorization: Bearer ${PAGE_TOKEN:-}" "$@"; } # CURL-OPTION...
answer() { python3 -c 'import json, sys; print(eval(sys.argv[1], {"o": json.load(open("got"))}))' "$1"; }
post() { local have; have=$(status -H 'Content-Type: application/json' -d "$2" "$url/$3"); [ "$have" = "$1" ] || fail "$have instead of $1: $2: $(cat got)"; }
upload_is() { status "$url/uploads/$1" >/dev/null && [ "$(answer 'o["state"]')" = "$2" ]; }
files() { status $url/sticks >/dev/null && answer '[[f["path"] for f in s["files"]] for s in o if not s["looking"]]'; }
files_are() { [ "$(files)" = "$1" ]; }
plug() { printf "$2" >stick/new && mv stick/new "stick/$1.note"; }      # PLACE NOTE

box
for request in "GET sticks" "POST imports"; do
    [ "$(status -X "${request% *}" "$url/${request#* }")" = 401 ] || fail "$request without a token: $(cat got)"
done
page_token "${LAB_RECEIVER[1]}"
[ "$(status $url/sticks)" = 200 ] && [ "$(cat got)" = '[]' ] || fail "no stick, and: $(cat got)"
mkdir stick/0/images
cp small.ring stick/0/images/
truncate -s 1M stick/0/raw.img
plug 0 'sdb1\nMaker Model\n\n'
until_true 10 files_are "[['images/small.ring', 'raw.img']]" || fail "what is on the stick: $(cat got)"
[ "$(answer 'o[0]["stick"], o[0]["device"], o[0]["label"], o[0]["cause"], o[0]["files"][0]')" = \
  "(0, 'sdb1', 'Maker Model', '', {'path': 'images/small.ring', 'name': 'small', 'bytes': $bytes})" ] || fail "what is said of it: $(cat got)"
grep -q 'stick 0 (Maker Model, sdb1): 2 images: images/small.ring, raw.img' box.err || fail "no line about the stick"
plug 1 'sdc1\nOld Disk\nexpected FAT32, exFAT or ext4\n'
until_true 10 grep -q 'stick 1 (Old Disk, sdc1): expected FAT32, exFAT or ext4' box.err || fail "no line about a stick that is not read"

for path in ../1.note images/../raw.img /etc/passwd ./raw.img raw; do
    post 404 "{\"stick\":0,\"path\":\"$path\",\"name\":\"x\"}" imports
done
post 404 '{"stick":2,"path":"raw.img","name":"x"}' imports
post 422 '{"stick":4,"path":"raw.img","name":"x"}' imports
post 422 '{"stick":0,"path":"raw.img","name":"../x"}' imports
post 422 '{"stick":0,"name":"x"}' imports
post 202 '{"stick":0,"path":"images/small.ring","name":"small","version":"3"}' imports
id=$(answer 'o["id"]')
until_true 60 upload_is "$id" ready || fail "the copy: $(cat got)"
[ "$(answer 'o["sha256"]')" = "$(sha256sum small.ring | cut -d' ' -f1)" ] || fail "copied, with another hash: $(cat got)"
grep -q 'stick 0: small is copied; the stick may be pulled out' box.err || fail "nobody says that it may be pulled out"
post 409 '{"stick":0,"path":"images/small.ring","name":"small"}' imports
pass "a stick is listed and its image copied; no other file can be asked for"

# The same by the command line.
printf %s "$PAGE_TOKEN" >token
chmod 600 token
login=(--box 10.78.0.1 --fingerprint "$(sed -n 's/.*fingerprint \([0-9A-F:]*\)$/\1/p' box.err)" --token-file token)
expect 0 client "$RINGCAST" images sticks "${login[@]}"
grep -q '^stick 0 (Maker Model, sdb1)$' expect.out && grep -q '  raw.img$' expect.out || fail "what the command lists: $(cat expect.out)"
grep -q '^stick 1 (Old Disk, sdc1): expected FAT32, exFAT or ext4$' expect.out || fail "no cause: $(cat expect.out)"
expect 1 client "$RINGCAST" images import nothing.img "${login[@]}"
expect_says 'expected a file that'
expect 1 client "$RINGCAST" images import raw.img --stick 1 "${login[@]}"
expect 0 client "$RINGCAST" images import raw.img --name told --label 7 --stick 0 "${login[@]}"
until_true 60 eval 'status $url/images >/dev/null && [ "$(answer "[(i[\"state\"], i[\"bytes\"] > 0) for i in o if i[\"name\"] == \"told\"]")" = "[('"'ready', True"')]" ]' ||
    fail "what the command copies: $(cat got)"
[ "$(status -X DELETE -H 'Content-Type: application/json' -d '{"name":"told"}' $url/images/told)" = 204 ] || fail "deleting: $(cat got)"
pass "the command line lists and copies"

# Pulled out: what is there is shorter than it was.
truncate -s 4G stick/0/raw.img
plug 0 'sdb1\nMaker Model\n\n'
until_true 10 eval "files >/dev/null && grep -q 4294967296 got" || fail "the stick is not looked at again: $(cat got)"
post 202 '{"stick":0,"path":"raw.img","name":"huge"}' imports
id=$(answer 'o["id"]')
until_true 20 eval "upload_is $id receiving" || fail "the copy does not begin: $(cat got)"
truncate -s 4096 stick/0/raw.img
rm stick/0.note
until_true 30 upload_is "$id" failed || fail "the stick is gone, and the copy: $(cat got)"
answer 'o["cause"]' | grep -q 'the stick does not give byte' || fail "why: $(cat got)"
until_true 10 files_are '[[]]' || fail "the stick is still there: $(cat got)"
until_true 10 grep -q 'stick 0 is gone' box.err || fail "no line about the stick that is gone"
until_true 10 eval '[ "$(ls data/library | wc -l)" = 2 ]' || fail "half of it lies there: $(ls data/library)"
pass "a stick that is pulled out ends its copy in words, and nothing of it stays"

lab_stop box
rm -f stick/*.note
printf "$config[library]\nsticks = take\n" >ringcast.conf
truncate -s 1M stick/0/raw.img
plug 0 'sdb1\nMaker Model\n\n'
box
until_true 60 eval 'status $url/images >/dev/null && [ "$(answer "sorted((i[\"name\"], i[\"state\"]) for i in o)")" = "[('"'raw', 'ready'), ('small', 'ready'"')]" ]' ||
    fail "what the configuration takes: $(cat got)"
[ "$(grep -c 'is being copied into the library' box.err)" = 1 ] || fail "more is copied than what the library lacks"
lab_stop box
pass "by configuration alone"
