#!/bin/bash
# The box as a server of images: what lies in its folder is signed anew with its own key and served, a bad file is skipped, a raw image
# is packed, a machine that passed is remembered, and a core that is killed in the middle is only a pause.
. "$(dirname "$0")/lib.sh"
small_ring
lab_up 2
ip -n "$LAB_SWITCH" link set br0 type bridge mcast_snooping 1 mcast_querier 0
cd "$LAB_DIR"
mkdir images data
mv small.ring images/small.ring
truncate -s 8M images/raw.img
head -c 6000000 /dev/urandom | dd of=images/raw.img conv=notrunc status=none
head -c 100000 images/small.ring >images/cut.ring
echo nonsense >images/bad.ring
printf 'QFI\373\0\0\0\3' >images/cloud.img
truncate -s 1M images/cloud.img images/disk.img.xz
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[ring]\nrate = 40Mbit\n' >ringcast.conf

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data "$@"
    until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
}

# take I NAME TARGET KEY: receiver I takes an image from the ring of $BOX, in the background, as "takeI".
BOX=10.78.0.1
take()
{
    lab_start "take$1" "${LAB_RECEIVER[$1]}" "$RINGCAST" restore --source "ringcast://$BOX/$2" --target "$3" --create --erase --noprompt \
        --json --timeout 20 --key "$4" --interface eth0 --address "10.78.0.$((10 + $1))/24"
}

box
until_true 10 eval "bridge -n $LAB_SWITCH -d mdb show | grep -q 'router ports on br0: p0'" || fail "the switch hears no querier"
[ "$(stat -c %a data/identity.key)" = 600 ] || fail "the key is not the owner's alone"
cp data/identity.pub first.pub
until_true 30 grep -q ' bad is bad: .*images/bad.ring' box.err || fail "nothing is said of a bad file"
grep -q 'images/cloud.img is skipped: .* got a qcow2 disk' box.err || fail "a qcow2 disk is taken for a raw one"
grep -q 'images/disk.img.xz is passed over' box.err || fail "nothing is said of a compressed image"
until_true 30 grep -q ' cut is bad: ' box.err || fail "nothing is said of a cut file"
until_true 60 grep -q 'raw: serving data/packed/raw.img.ring' box.err || fail "the raw image is not packed"

take 1 raw disk1 data/identity.pub
lab_wait take1 60 || fail "a raw image: $(cat take1.err)"
cmp -n 8388608 images/raw.img disk1 || fail "a raw image is restored wrong"
until_true 10 grep -q 'a machine is done' box.err || fail "a PASS goes unnoticed"
take 1 small disk2 small.pub
status=0
lab_wait take1 60 || status=$?
[ $status = 5 ] || fail "an image signed anew passes under its old key: $status"
pass "a folder of images, one packed, two skipped, all signed by the box, through a switch that snoops"

BOX=ringcast.local
take 2 small disk3 data/identity.pub
until_true 20 grep -Eq '52:49:4e:47:00:02.*receiving' box.err || fail "receiver 2 does not start: $(cat take2.err)"
until_true 20 grep -q 'restoring: [1-9]' take2.err || fail "receiver 2 does not get on: $(cat take2.err)"
kill -KILL "${LAB_PID[box]}"
lab_stop box KILL
box
cmp -s data/identity.pub first.pub || fail "the box has another key after a restart"
grep -q ' 1 machines are done' box.err || fail "the machine that passed is forgotten"
lab_wait take2 90 || fail "killing the core costs a receiver its image: $(cat take2.err)"
same_disk small.img disk3
[ "$(grep -c 'packing images/raw.img' box.err)" = 0 ] || fail "the raw image is packed again"
pass "found by its name; kill -9 in the middle: $(json take2.out 'o["seconds"]') s"

lab_stop box
until_true 1 grep -q 'small: 1 passed' box.err || true
box
grep -q ' 2 machines are done' box.err || fail "the second machine is forgotten"
printf '[box]\nadress = 10.78.0.1/24\n' >wrong.conf
expect 1 lab_exec "$LAB_SERVER" "$RINGCAST" box --config wrong.conf --data data --check
expect_says 'wrong.conf:2: expected a key that \[box\] knows, got "adress"'
pass "an orderly end, and a configuration that is refused"
