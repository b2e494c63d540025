#!/bin/bash
# What is a machine's own: the target asks the box before it takes the image, believes what the box has signed, and writes it after the image
# has been verified. Here the disk is a file, which the kernel cannot mount: a machine with a host name fails with that cause, after its
# image is there and whole; one without passes; an answer that is not the box's is not believed, and nothing is erased.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" python3 strace
lab_up 2
small_ring
cd "$LAB_DIR"
mkdir -p data images payload personal/ext4/etc
mv small.ring images/
printf '[box]\naddress = 10.78.0.1/24\nafter-pass = wait\n[dhcp]\nmode = off\n[session]\nstart = now\n[ring]\nrate = 100Mbit\n' >ringcast.conf
printf 'MAC,name,asset,position,image,host name\n52:49:4e:47:00:01,Desk 1,,,,desk-1\n' >machines.csv

# machine I: a machine's root with one disk as large as the image.
machine()
{
    local disk=root$1/sys/devices/pci0000:00/0000:00:03.0/virtio0/block/vda
    mkdir -p "root$1/sys/block" "root$1/dev" "root$1/proc/self" "$disk/queue"
    : >"root$1/proc/self/mountinfo"
    truncate -s 160M "root$1/dev/vda"
    echo $((160 * 2048)) >"$disk/size"
    echo 512 >"$disk/queue/logical_block_size"
    echo 0 | tee "$disk/ro" >"$disk/removable"
    echo "disk-$1" >"$disk/serial"
    echo 254:0 >"$disk/dev"
    ln -s "../../${disk#root"$1"/}" "root$1/sys/block/vda"
}

# page NAME PUB: the box's page, with the key of that file.
page()
{
    python3 - "$1" "$2" <<'PYTHON'
import base64, sys
pem = open(sys.argv[2]).read()
key = base64.b64decode("".join(l for l in pem.splitlines() if not l.startswith("-")))[-65:]
text = f"RINGCAST-BOX-IDENTITY-1\naddress 10.78.0.1\nsession-port 7800\nkey {key.hex()}\nafter-pass wait\ndisk auto\n"
open(sys.argv[1], "wb").write(text.encode().ljust(1024, b"\n"))
PYTHON
}
target() { lab_start "target$1" "${LAB_RECEIVER[$1]}" "$RINGCAST" target --identity "$2" --disk-root "root$1" --framebuffer none --address "10.78.0.$((10 + $1))/24" "${@:3}"; }

lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --payload payload --data data
until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start: $(cat box.err)"
machine 1
machine 2
page page data/identity.pub
# The thread that hands out addresses is watched while a machine asks for its files, joins and passes: it opens no file of ours, walks no
# folder and waits for no disk.
lab_start watch "$LAB_SERVER" strace -qq -y -p "${LAB_PID[box]}" -o calls -e trace=openat,open,getdents64,pread64,preadv,fsync,fdatasync,rename,unlink
until_true 20 eval '[ "$(awk "/^TracerPid/ { print \$2 }" "/proc/${LAB_PID[box]}/status")" != 0 ]' || fail "the box's thread is not watched: $(cat watch.err)"
target 2 page
until_true 90 grep -q 'a machine is done' box.err || fail "a machine with nothing of its own: $(tail -n 5 target2.out target2.err)"
lab_stop watch INT
! grep -E 'getdents64|fsync|fdatasync|rename|unlink|personal|/images|/data/|\.ring' calls || fail "the thread that hands out addresses waited for the disk"
pass "the thread that hands out addresses reads no file while a machine is imaged"
same_disk small.img root2/dev/vda
pass "a machine with nothing of its own passes"

target 1 page
until_true 90 grep -q '52:49:4e:47:00:01.*: fail, error -2212' box.err || fail "no failure: $(tail -n 5 box.err target1.err)"
until_true 10 grep -q 'block device, to write what is this machine.s own' target1.err || fail "no cause: $(tail -n 5 target1.out target1.err)"
! grep -q '52:49:4e:47:00:01.*: pass' box.err || fail "PASS without its host name"
same_disk small.img root1/dev/vda
lab_stop target1
pass "a host name that cannot be written is a FAIL with its cause, and the image is whole"

"$RINGCAST" key -o other 2>/dev/null
page wrong other.pub
truncate -s 0 root1/dev/vda
truncate -s 160M root1/dev/vda
target 1 wrong --once
lab_wait target1 60 && fail "another key is believed"
[ "$(tr -d '\0' <root1/dev/vda | head -c 1 | wc -c)" = 0 ] || fail "something was written"
pass "a box that is not the target's own writes nothing"

head -c 5000 /dev/zero | tr '\0' x >personal/ext4/etc/motd
target 1 page --once
lab_wait target1 60 && fail "too much is believed"
grep -q 'the server refuses: expected files for a machine of 4032 bytes' target1.err || fail "no cause: $(cat target1.err)"
[ "$(tr -d '\0' <root1/dev/vda | head -c 1 | wc -c)" = 0 ] || fail "something was written"
pass "what does not fit is said before anything is erased"
