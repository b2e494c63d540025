#!/bin/bash
# A machine that was booted from the network finds its box, picks its disk, images it and says how it ended; and refuses what it
# must, with its disk as it was. The disks are files below a recorded machine's root.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" python3 openssl
lab_up 2
small_ring
cd "$LAB_DIR"

# machine N SIZE...: the root of a machine with a virtio disk (vda, vdb...) of each size, as m$N.
machine()
{
    local root=$LAB_DIR/m$1 letters=abcdef i=0 size name dir
    shift
    mkdir -p "$root/sys/block" "$root/dev" "$root/proc/self" "$root/sys/class/dmi/id"
    : >"$root/proc/self/mountinfo"
    echo "PF3ABCDE" >"$root/sys/class/dmi/id/product_serial"
    echo "LENOVO" >"$root/sys/class/dmi/id/sys_vendor"
    for size; do
        name=vd${letters:i:1}
        dir=sys/devices/pci0000:00/0000:00:0$((i + 3)).0/virtio$i/block/$name
        mkdir -p "$root/$dir/queue"
        head -c "$size" /dev/urandom >"$root/dev/$name"
        echo $(($(stat -c %s "$root/dev/$name") / 512)) >"$root/$dir/size"
        echo 512 >"$root/$dir/queue/logical_block_size"
        echo 0 >"$root/$dir/ro"
        echo 0 >"$root/$dir/removable"
        echo "serial-$i" >"$root/$dir/serial"
        echo "254:$((16 * i))" >"$root/$dir/dev"
        ln -s "../../$dir" "$root/sys/block/$name"
        i=$((i + 1))
    done
}

# page FILE KEY.pub [DISK-RULE [AFTER]]: the box's page.
page()
{
    local key
    key=$(openssl pkey -pubin -in "$2" -outform DER | tail -c 65 | od -An -v -tx1 | tr -d ' \n')
    python3 - "$1" "$key" "${3:-auto}" "${4:-reboot}" <<'PYTHON'
import sys
name, key, disk, after = sys.argv[1:]
text = f"RINGCAST-BOX-IDENTITY-1\naddress 10.78.0.1\nsession-port 7800\nkey {key}\nafter-pass {after}\ndisk {disk}\n"
open(name, "wb").write(text.encode().ljust(1024, b"\n"))
PYTHON
}

# mac N I: receiver I is machine N from now on, by its MAC: the box remembers machines.
mac() { ip -n "${LAB_RECEIVER[$2]}" link set eth0 address "52:49:4e:47:01:$(printf %02x "$1")"; }

# target N PAGE [OPTION...]: machine N as receiver 1.
target()
{
    local n=$1 page=$2
    shift 2
    mac "$n" 1
    lab_exec "${LAB_RECEIVER[1]}" "$RINGCAST" target --identity "$page" --disk-root "$LAB_DIR/m$n" --framebuffer none \
        --address 10.78.0.21/24 "$@"
}

# sums N: the content of its disks.
sums() { find "$LAB_DIR/m$1/dev" -type f -exec sha256sum {} + | sort; }

# refused STATUS PATTERN WHAT N PAGE: refused in these words, the box hears a failure, the disks are untouched.
refused()
{
    local status=$1 pattern=$2 what=$3 n=$4 page=$5 before fails
    before=$(sums "$n")
    fails=$(grep -c 'fail, error' serve.err) || true
    expect "$status" target "$n" "$page" --once
    expect_says "$pattern"
    [ "$(sums "$n")" = "$before" ] || fail "$what: a disk was touched"
    [ "$(grep -c 'fail, error' serve.err)" -gt "$fails" ] || fail "$what: the box did not hear of it"
    pass "$what: $(grep -Ei -m1 -- "$pattern" expect.err)"
}

# A box, and nothing else: what it says of a machine's own must be signed by the key in the page.
box()
{
    lab_start serve "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data
    until_true 20 grep -q 'is up on eth0' serve.err || fail "the box does not start: $(cat serve.err)"
}
mkdir images data
mv small.ring images/
printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[boot]\nrearm = yes\n[session]\nstart = now\n[ring]\nrate = 100Mbit\n' >ringcast.conf
box
page good.page data/identity.pub
"$RINGCAST" key -o stranger 2>/dev/null
page stranger.page stranger.pub
page second.page data/identity.pub "serial=serial-1"

# 1. One disk that fits: imaged, whatever the interface is called, and the box hears PASS.
machine 1 160M
expect 0 target 1 good.page
expect_says 'PASS'
expect_says 'machine LENOVO [|] serial PF3ABCDE [|] MAC 52:49:4e:47:01:01'
expect_says 'disk vda, 167.8 MB [|] its serial serial-0'
grep -q ': pass$' serve.err || fail "the box did not hear PASS"
same_disk small.img m1/dev/vda
pass "one disk: imaged, and the box knows"

# 2. What must be refused.
refused 5 sign "an image of another signer" 1 stranger.page
machine 2 160M 160M
refused 4 'found 2; vda is a candidate; vdb is a candidate' "two disks" 2 good.page
machine 3 20M
refused 4 'vda is smaller than the image needs' "a disk that is too small" 3 good.page
machine 4 160M
echo 1 >m4/sys/block/vda/removable
refused 4 'vda is removable' "a removable disk" 4 good.page
machine 5
refused 4 'it has none' "no disk" 5 good.page
machine 10 20M 160M
refused 4 'found 2; vda is smaller than the image needs; vdb is a candidate' "a small disk beside another" 10 good.page

machine 9 160M 160M
mv m9/sys/block/vdb vdb
before=$(sums 9)
mac 9 2
lab_start twice "${LAB_RECEIVER[2]}" "$RINGCAST" target --identity "$LAB_DIR/good.page" --disk-root "$LAB_DIR/m9" --framebuffer none \
    --address 10.78.0.24/24 --once
until_true 30 grep -q 'Looking at the disks' twice.err || fail "the target does not look at its disks"
mv vdb m9/sys/block/vdb
lab_wait twice 60 && fail "a second disk that appears late was not waited for"
grep -q 'found 2; vda is a candidate; vdb is a candidate' twice.err || fail "the late disk is not named"
[ "$(sums 9)" = "$before" ] || fail "a late disk: something was written"
pass "a second disk that appears late"

# 3. A rule tells which.
before=$(sha256sum <m2/dev/vda)
expect 0 target 2 second.page
same_disk small.img m2/dev/vdb
[ "$(sha256sum <m2/dev/vda)" = "$before" ] || fail "the other disk was touched"
pass "a rule picks the second disk"

# 4. A real block device, larger than the image: held exclusively, its table at its end; and one that is not what sysfs says of it.
if [ "$(id -u)" = 0 ] && truncate -s 200M real && loop=$(losetup --show -f real 2>/dev/null); then
    lab_on_exit 'losetup -d "$loop" 2>/dev/null || true'
    machine 8 200M
    rm m8/dev/vda
    mknod m8/dev/vda b $((0x$(stat -c %t "$loop"))) $((0x$(stat -c %T "$loop")))
    expect 4 target 8 good.page --once
    expect_says 'is another device than the kernel said'
    cmp -n 209715200 real /dev/zero || fail "a device that is not the one chosen was written"
    echo "$((0x$(stat -c %t "$loop"))):$((0x$(stat -c %T "$loop")))" >m8/sys/block/vda/dev
    expect 0 target 8 good.page
    sgdisk -v "$loop" | grep -q 'No problems found' || fail "sgdisk finds problems"
    losetup -d "$loop"
    pass "a block device larger than the image"
else
    say "no loop devices here: block devices were not tried"
fi

# 5. A page that is not whole is not believed.
head -c 100 good.page >bad.page
expect 1 target 1 bad.page --once
expect_says "the box's page: expected"

# 6. The box comes late, and the wish of a machine that passed reaches init.
lab_stop serve
machine 6 160M
mac 6 2
lab_start late "${LAB_RECEIVER[2]}" env RINGCAST_INIT=3 bash -c 'exec 3>"$1"; shift; exec "$@"' - "$LAB_DIR/wish" "$RINGCAST" target \
    --identity "$LAB_DIR/good.page" --disk-root "$LAB_DIR/m6" --framebuffer none --address 10.78.0.22/24 --interface auto
until_true 20 grep -q 'Trying again' late.err || fail "a target without a box does not try again"
box
lab_wait late 60 || fail "the late box: exit $?"
[ "$(grep -v alive wish)" = reboot ] || fail "init was not asked to reboot: $(cat wish)"
same_disk small.img m6/dev/vda
pass "a box that comes late; the wish is reboot"

# 7. The box hears nothing of the target any more and then loses its power: started anew, it hears PASS all the same.
requires nft
machine 7 160M
lab_stop serve
sed -i 's/100Mbit/30Mbit/' ringcast.conf
box
mac 7 2
lab_start last "${LAB_RECEIVER[2]}" "$RINGCAST" target --identity "$LAB_DIR/good.page" --disk-root "$LAB_DIR/m7" --framebuffer none \
    --address 10.78.0.23/24
until_true 60 grep -q '10.78.0.23): receiving$' serve.err || fail "the target does not receive"
ip netns exec "$LAB_SWITCH" nft -f - <<'RULES' || skip "nft cannot filter on egress here"
    table netdev deaf {
        chain out {
            type filter hook egress device "p0" priority 0;
            udp dport 7800 drop;
        }
    }
RULES
until_true 60 grep -q 'telling the box' last.err || fail "the target does not come to its end"
lab_stop serve KILL
grep -q '10.78.0.23): pass$' serve.err && fail "the box was not deaf"
ip netns exec "$LAB_SWITCH" nft delete table netdev deaf
box
lab_wait last 90 || fail "the target: exit $?"
grep -q '10.78.0.23): pass$' serve.err || fail "a box that was started anew does not hear PASS"
grep -q 'has not confirmed' last.err && fail "the target does not know that the box has heard it"
pass "PASS reaches a box that was started anew"
