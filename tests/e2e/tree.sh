#!/bin/bash
# A tree of another system, larger than the box's FAT partition has room for, comes to the data partition by the command line, file by file, and is
# given out without a restart: to a machine that asks for boot.cfg as ESXi's loader does. Refusals, a box that is killed in the middle, a full disk,
# trees that are replaced and deleted. An image in DATA/images is served.
. "$(dirname "$0")/lib.sh"
requires curl python3
small_ring
lab_up 1
lab_address "${LAB_RECEIVER[1]}" 10.78.0.11/24
cd "$LAB_DIR"
mkdir data payload && mount -t tmpfs -o size=300M tmpfs data || skip "no tmpfs can be mounted here"
lab_on_exit "umount -l '$LAB_DIR/data'"
mkdir -p data/images esxi/efi/boot esxi/01-52-49-4e-47-00-77
cp small.ring data/images/
page() { printf 'RINGCAST-BOX-IDENTITY-1'; head -c 1001 /dev/zero | tr '\0' '\n'; }
for file in ringcast-x86_64.efi initrd; do { head -c 3000 /dev/urandom; page; } >payload/$file; done
for file in kernel undionly.kpxe snponly.efi; do head -c 3000 /dev/urandom >payload/$file; done
mac=$(ip -n "${LAB_RECEIVER[1]}" -br link show eth0 | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}')
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[boot]\nmachine = %s ESXi\n[entry ESXi]\nfolder = /data/trees/esxi\nloader-uefi = efi/boot/bootx64.efi\n' "$mac" >ringcast.conf
url=https://10.78.0.1/api/v1
for i in 1 2 3; do head -c 60M /dev/zero >esxi/s$i.v00; done # 180 MiB: the FAT partition of 192 MiB holds 25 of the box's own
echo 'kernel=/tboot.b00' >esxi/boot.cfg
echo 'kernel=/own.b00' >esxi/01-52-49-4e-47-00-77/boot.cfg
echo loader >esxi/efi/boot/bootx64.efi
: >'esxi/an empty one'

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data --payload payload
    until_true 30 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
    until_true 10 client curl -sSk --max-time 5 -o /dev/null $url/health || fail "the box does not answer"
}
client() { lab_exec "${LAB_RECEIVER[1]}" "$@"; }
ringcast() { client "$RINGCAST" "$@" --box 10.78.0.1 --fingerprint "$print" --token-file token; }
status() { client curl -sSk --max-time 30 -o got -w '%{http_code}' -H "Authorization: Bearer $PAGE_TOKEN" "$@"; } # CURL-OPTION...
expect_status() # STATUS CURL-OPTION...
{
    local want=$1 have
    shift
    have=$(status "$@") || true
    [ "$have" = "$want" ] || fail "$have instead of $want: $*: $(cat got)"
}
send() { expect_status "$1" -X "$2" -H 'Content-Type: application/json' -d "$4" "$url/$3"; } # STATUS METHOD PATH JSON
trees() { expect_status 200 $url/trees; python3 -c 'import json; print(" ".join("%(name)s:%(state)s:%(files)d:%(entry)s" % t for t in sorted(json.load(open("got")), key=lambda t: (t["name"], t["state"]))))'; }
has_trees() { [ "$(status $url/trees)" = 200 ] && [ "$(trees)" = "$1" ]; }
given() { client curl -sS --max-time 10 -o got -w '%{http_code}' "http://10.78.0.1/$1"; } # PATH: as a machine asks

box
for request in "GET trees" "PUT trees/x/y" "POST trees/x" "DELETE trees/x"; do
    [ "$(client curl -sSk --max-time 10 -o got -w '%{http_code}' -X "${request% *}" "$url/${request#* }")" = 401 ] || fail "$request without a token: $(cat got)"
done
page_token "${LAB_RECEIVER[1]}"
echo "$PAGE_TOKEN" >token
chmod 600 token
print=$(sed -n 's/.*fingerprint \([0-9A-F:]*\)$/\1/p' box.err | head -1)
[ "$(trees)" = '' ] || fail "trees before there is one: $(cat got)"
[ "$(given boot.cfg)" = 404 ] || fail "a boot.cfg without a tree"
until_true 30 grep -q 'small: serving' box.err || fail "the image in DATA/images is not served: $(cat box.err)"
pass "no stranger gets near it; an image on the data partition is served"

ringcast tree upload esxi esxi 2>up.err >up || fail "the upload: $(cat up.err) $(tail -3 box.err)"
[ "$(trees)" = 'esxi:ready:7:ESXi' ] || fail "the tree: $(trees)"
[ "$(stat -c %s data/trees/esxi/s3.v00)" = 62914560 ] && cmp esxi/boot.cfg data/trees/esxi/boot.cfg || fail "the files: $(ls -lR data/trees)"
ringcast tree list | grep -q '^esxi *ready .* in 7 files, entry ESXi$' || fail "the list: $(ringcast tree list)"
[ "$(given data/trees/esxi/efi/boot/bootx64.efi)" = 200 ] && cmp got esxi/efi/boot/bootx64.efi || fail "the loader is not given out: $(tail -3 box.err)"
for path in boot.cfg "01-${mac//:/-}/boot.cfg"; do
    [ "$(given "$path")" = 200 ] && cmp got esxi/boot.cfg || fail "$path, as ESXi's loader asks for it: $(tail -3 box.err)"
done
pass "180 MiB more: uploaded by the command line, offered at once, boot.cfg as mboot asks for it"

truncate -s 100M large
expect_status 507 -T large "$url/trees/more/large"
expect_status 422 -T token "$url/trees/.esxi/file"
expect_status 422 -T token "$url/trees/esxi/dir/.ringcast-0"
expect_status 422 -T token "$url/trees/esxi/back%5Cslash"
expect_status 422 -T token "$url/trees/more/other?sha256=$(printf '0%.0s' {1..64})"
for path in ../x a/../../x; do
    [ "$(status --path-as-is -T token "$url/trees/more/$path")" = 400 ] || fail "$path: $(cat got)"
done
send 404 POST trees/esxi '{"files":1,"bytes":1,"replace":true}'
send 409 DELETE trees/esxi '{"name":"esxi"}'
grep -q 'ESXi' got || fail "the refusal names no entry: $(cat got)"
send 422 DELETE trees/esxi '{"name":"other"}'
! ringcast tree delete esxi --yes 2>refused && grep -q 'ESXi' refused || fail "a tree that is offered was deleted: $(cat refused)"
expect_status 204 -T token "$url/trees/more/dir/File"
expect_status 409 -T token "$url/trees/more/dir/file"
expect_status 409 -T token "$url/trees/more/dir"
expect_status 409 -T token "$url/trees/more/dir/File/below"
[ "$(trees)" = 'esxi:ready:7:ESXi more:partial:1:' ] || fail "after refusals: $(trees)"
[ "$(given data/trees/more/dir/File)" = 404 ] && [ "$(given data/trees/.more/dir/File)" = 404 ] || fail "half a tree is given out"
send 409 POST trees/more '{"files":2,"bytes":100}'
grep -q 'the box has 1 files' got || fail "the refusal: $(cat got)"
pass "what is no path, has no room, or is not whole is refused with its reason"

head -c 20M /dev/zero >part
lab_start cut "${LAB_RECEIVER[1]}" curl -sSk --limit-rate 2M -H "Authorization: Bearer $PAGE_TOKEN" -T part "$url/trees/more/killed"
on_its_way() { find data/trees/.more -name '.ringcast-*' -size +100k | grep -q .; }
until_true 10 on_its_way || fail "no file is on its way: $(ls -lA data/trees/.more)"
lab_stop box KILL
lab_stop cut KILL
on_its_way || fail "the killed box left no unfinished file"
box
until_true 10 has_trees 'esxi:ready:7:ESXi more:partial:1:' || fail "after a kill: $(trees)"
[ -z "$(find data/trees -name '.ringcast-*')" ] || fail "unfinished files are left: $(find data/trees)"
[ "$(given boot.cfg)" = 200 ] || fail "the tree is not given out after a restart"
ringcast tree delete more --yes --partial 2>out || fail "an upload cannot be deleted: $(cat out)"
until_true 10 has_trees 'esxi:ready:7:ESXi' || fail "after it was deleted: $(trees)"
rm -rf esxi/s?.v00
echo 'kernel=/newer.b00' >esxi/boot.cfg
! ringcast tree upload esxi esxi 2>out && grep -q 'there is a tree' out || fail "a tree was replaced unasked: $(cat out)"
ringcast tree upload esxi esxi --replace 2>out || fail "a tree cannot be replaced: $(cat out)"
[ "$(given boot.cfg)" = 200 ] && cmp got esxi/boot.cfg || fail "the newer tree is not given out: $(cat got)"
gone() { [ "$(ls -A data/trees)" = esxi ]; }
until_true 10 gone || fail "the older tree still takes its room: $(ls -A data/trees)"
pass "a kill, a half upload, a newer tree in the older one's place"
