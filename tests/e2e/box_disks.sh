#!/bin/bash
# What the box remembers of a machine's disks: a room that was imaged with LVM can be imaged again, somebody else's LVM is refused, and
# a machine that has lost a disk does not take the next one until a person names it.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" python3 openssl pvcreate sgdisk
[ "$(id -u)" = 0 ] || skip "pvcreate needs root"
lab_up 1
cd "$LAB_DIR"
lab_address "${LAB_RECEIVER[1]}" 10.78.0.99/24
mkdir data images
MAC=52:49:4e:47:00:01

# pv FILE: an LVM volume of 60 MB, as pvcreate makes it.
pv()
{
    local loop
    truncate -s 60M "$1"
    loop=$(losetup -f --show "$1" 2>/dev/null) || skip "no loop devices here"
    pvcreate -ff -y "$loop" >/dev/null 2>&1 || { losetup -d "$loop"; skip "pvcreate does nothing here"; }
    losetup -d "$loop"
}

# disk NAME MIB SERIAL: a virtio disk of the machine below root.
disk()
{
    local dir=sys/devices/pci0000:00/0000:00:03.0/$1/block/$1
    mkdir -p "root/$dir/queue" root/sys/block root/dev root/proc/self
    : >root/proc/self/mountinfo
    truncate -s "$2M" "root/dev/$1"
    echo $(($2 * 2048)) >"root/$dir/size"
    echo 512 >"root/$dir/queue/logical_block_size"
    echo 0 | tee "root/$dir/ro" >"root/$dir/removable"
    echo "$3" >"root/$dir/serial"
    echo 254:0 >"root/$dir/dev"
    ln -s "../../$dir" "root/sys/block/$1"
}

# image NAME: a disk with an LVM volume of its own, packed.
image()
{
    truncate -s 110M l.img
    sgdisk -n1:2048:+32M -n2:0:+60M -t2:8e00 l.img >/dev/null
    pv volume
    dd if=volume of=l.img bs=1M seek=33 conv=notrunc status=none
    "$RINGCAST" pack l.img -o "$1" --unsigned --level 1 2>/dev/null
    cp l.img room.img
}

# welcomed: a session takes the machine, its image having been checked.
welcomed() { [ "$(hello "${LAB_RECEIVER[1]}" 10.78.0.1)" = welcome ]; }

# box: started, with a session of its configuration.
box()
{
    printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = off\n[ring]\nrate = 200Mbit\n[session]\nstart = now\n[boot]\nrearm = yes\n' >ringcast.conf
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --images images --data data
    until_true 30 welcomed || fail "the machine is not let in: $(cat box.err)"
}

# target STATUS SENTENCE: an attempt of the machine.
target()
{
    expect "$1" lab_exec "${LAB_RECEIVER[1]}" "$RINGCAST" target --identity page --disk-root root --framebuffer none --address 10.78.0.21/24 --once
    expect_says "$2"
}

# named: a person arms the machine by name.
named()
{
    lab_stop box
    expect 0 "$RINGCAST" box --arm "$MAC" --data data
    box
}

image images/room.ring
box
python3 - "$(openssl pkey -pubin -in data/identity.pub -outform DER | tail -c 65 | od -An -v -tx1 | tr -d ' \n')" <<'PYTHON'
import sys
text = f"RINGCAST-BOX-IDENTITY-1\naddress 10.78.0.1\nsession-port 7800\nkey {sys.argv[1]}\nafter-pass wait\ndisk auto\n"
open("page", "wb").write(text.encode().ljust(1024, b"\n"))
PYTHON

disk vda 120 S1
target 0 PASS
target 0 PASS
lab_stop box
box
target 0 PASS
pass "a room with LVM is imaged again, also after the box was started anew"

pv volume
dd if=volume of=root/dev/vda bs=1M seek=33 conv=notrunc status=none
before=$(sha256sum <root/dev/vda)
target 4 'vda holds an LVM physical volume by its partition 2'
named
target 4 'vda holds an LVM physical volume by its partition 2'
[ "$(sha256sum <root/dev/vda)" = "$before" ] || fail "somebody's LVM was written over"
pass "somebody else's LVM stays refused, also when the machine is named"

dd if=room.img of=root/dev/vda bs=1M conv=notrunc status=none
target 0 PASS # the order has been carried out
rm -r root/sys
disk vda 120 S9
target 4 'vda holds an LVM physical volume by its partition 2'
named
target 0 PASS
pass "our marks on a disk that the box did not write: when a person names the machine"

disk vdb 130 S2
target 4 'found 2; vda is a candidate; vdb is a candidate'
rm -r root/sys
before=$(sha256sum <root/dev/vdb)
disk vdb 130 S2
target 4 'expected the disk S9 [(]125.8 MB[)] as at the last attempt, it is gone; vdb is a candidate'
lab_stop box
box
target 4 'expected the disk S9'
[ "$(sha256sum <root/dev/vdb)" = "$before" ] || fail "the other disk was written"
named
target 0 PASS
pass "a disk that is gone holds the other one back until a person names the machine"
