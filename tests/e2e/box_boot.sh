#!/bin/bash
# The box towards machines that boot: addresses that outlive a restart, boot fields for PXE, files over TFTP with the box's key in
# the payload, a machine that passed is sent to its disk, another DHCP server silences ours.
. "$(dirname "$0")/lib.sh"
requires "$RINGCAST" udhcpc tftp curl python3 openssl dnsmasq
lab_up 2
small_ring
cd "$LAB_DIR"
mkdir data payload images boot boot/trees boot/trees/other boot/trees/other/01-52-49-4e-47-00-02
echo "a loader" >boot/trees/other/boot.efi
echo "for all" >boot/trees/other/menu.cfg
echo "for one" >boot/trees/other/01-52-49-4e-47-00-02/menu.cfg
python3 - <<'PYTHON'
import os
page = b"RINGCAST-BOX-IDENTITY-1\n".ljust(1024, b"\n")
for name in "ringcast-x86_64.efi", "initrd":
    open("payload/" + name, "wb").write(os.urandom(100000) + page + os.urandom(50000))
for name in "kernel", "undionly.kpxe":
    open("payload/" + name, "wb").write(os.urandom(70000))
PYTHON
cat >boot/ringcast.conf <<'CONF'
[box]
address = 10.78.0.1/24
after-pass = wait
[dhcp]
pool = 10.78.0.50-10.78.0.60
reserve = 52:49:4e:47:00:02 10.78.0.20
[session]
start = now
[boot]
machine = 52:49:4e:47:00:02 Other
[entry Other]
folder = trees/other
loader-uefi = boot.efi
CONF
mv small.ring images/
printf 'mac,name\n52:49:4e:47:00:01,bench 1\n' >boot/machines.csv
cat >lease.sh <<'SCRIPT'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address flush dev "$interface"
ip address add "$ip/24" dev "$interface"
echo "$ip ${boot_file:-none} $lease" >>"$LEASES"
SCRIPT
chmod +x lease.sh

box()
{
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config boot/ringcast.conf --payload payload --images images --data data
    until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start"
}

# ask I [OPTION...]: a lease for receiver I; prints address, boot file, seconds.
ask()
{
    local i=$1
    shift
    rm -f "lease$i"
    LEASES=$LAB_DIR/lease$i LAB_TIMEOUT=40 lab_exec "${LAB_RECEIVER[$i]}" udhcpc -i eth0 -f -q -n -t 12 -T 1 -s "$LAB_DIR/lease.sh" "$@" \
        >"ask$i.log" 2>&1 || return 1
    cat "lease$i"
}
get() { lab_exec "${LAB_RECEIVER[$1]}" tftp -m binary 10.78.0.1 -c get "$2" "$3" >"get.log" 2>&1; }

box
# UEFI x64, as its firmware asks: class, architecture 7, and no other words.
uefi=(-V PXEClient:Arch:00007:UNDI:003016 -x 0x5d:0007 -O bootfile -O vendor)
first=$(ask 1) || fail "no lease: $(cat ask1.log)"
case $first in 10.78.0.5[0-9]' none '* | '10.78.0.60 none '*) ;; *) fail "an ordinary lease: $first" ;; esac
got=$(ask 1 "${uefi[@]}") || fail "no lease for a firmware"
[ "${got%% *}" = "${first%% *}" ] || fail "firmware and system of one machine have different addresses: $got, $first"
case $got in *' payload/ringcast-x86_64.efi '*) ;; *) fail "UEFI is to load: $got" ;; esac
got=$(ask 2 "${uefi[@]}") || fail "no lease for machine 2"
case $got in '10.78.0.20 trees/other/boot.efi '*) ;; *) fail "the machine with an entry of its own: $got" ;; esac
pass "leases, a reservation, what to boot: $first / $got"

get 1 payload/ringcast-x86_64.efi efi || fail "tftp: $(cat get.log)"
python3 - "$(openssl pkey -pubin -in data/identity.pub -outform DER 2>/dev/null | tail -c 65 | od -An -vtx1 | tr -d ' \n')" <<'PYTHON' || fail "the identity in the payload"
import sys
sent, got = open("payload/ringcast-x86_64.efi", "rb").read(), open("efi", "rb").read()
assert len(sent) == len(got) and sent[:100000] == got[:100000] and sent[101024:] == got[101024:]
want = "RINGCAST-BOX-IDENTITY-1\naddress 10.78.0.1\nsession-port 7800\nkey " + sys.argv[1] + "\nafter-pass wait\ndisk auto\n"
assert got[100000:101024] == want.encode().ljust(1024, b"\n"), got[100000:100300]
PYTHON
get 1 trees/other/menu.cfg one && get 2 trees/other/menu.cfg two || fail "tftp from a tree"
[ "$(cat one two)" = "for all
for one" ] || fail "the folder of a machine: $(cat one two)"
get 1 ../boot/ringcast.conf nothing
get 1 trees/other/../../ringcast.conf nothing
[ ! -s nothing ] || fail "a file that is not on offer"
pass "files by TFTP, the box's key in the payload, a machine's own folder, nothing else"

web() { lab_exec "${LAB_RECEIVER[$1]}" curl -sf --max-time 10 "${@:3}" "http://10.78.0.1/$2"; }
web 1 payload/ringcast-x86_64.efi -o efi2 || fail "http: no payload"
cmp efi efi2 || fail "TFTP and HTTP hand out different payloads"
[ "$(web 2 trees/other/menu.cfg)" = "for one" ] || fail "http: the folder of a machine"
[ "$(web 1 trees/other/menu.cfg -r 4-6)" = all ] || fail "http: a range"
web 1 payload/kernel -I | grep -qi '^content-length: 70000' || fail "http: HEAD does not say the length"
web 1 boot.ipxe >script1 && web 2 boot.ipxe >script2 || fail "http: no script"
grep -q '^#!ipxe' script1 && grep -q payload/kernel script1 || fail "the script of a machine: $(cat script1)"
! cmp -s script1 script2 || fail "the machine with an entry of its own has the others' script"
! web 1 ringcast.conf >/dev/null || fail "http: a file that is not on offer"
pass "the same files by HTTP, and a script for each machine"

in_log() { grep -q "^20[0-9-]* [0-9:]* $1\$" data/access.log; } # all of a line behind its time
for line in 'tftp 10.78.0.5[0-9] 52:49:4e:47:00:01 "bench 1" done 151024 payload/ringcast-x86_64.efi' \
    'tftp 10.78.0.20 52:49:4e:47:00:02 - done 8 trees/other/menu.cfg' 'tftp .* "bench 1" refused 0 ../boot/ringcast.conf' \
    'http 10.78.0.20 52:49:4e:47:00:02 - 200 8 trees/other/menu.cfg' 'http .* "bench 1" 404 [0-9]* ringcast.conf'; do
    until_true 10 in_log "$line" || fail "not in the access log: $line; got: $(cat data/access.log)"
done
pass "each of these requests is in the access log, with MAC and name"

kill -KILL "${LAB_PID[box]}"
lab_stop box KILL
box
again=$(ask 2) || fail "no lease after a restart"
[ "${again%% *}" = 10.78.0.20 ] || fail "the reservation after a restart: $again"
again=$(ask 1 -r "${first%% *}") || fail "no lease after a restart"
[ "${again%% *}" = "${first%% *}" ] || fail "another address after a restart: $again, before: $first"
pass "leases outlive the core"

lab_stop box
ip -n "${LAB_RECEIVER[2]}" address flush dev eth0
lab_address "${LAB_RECEIVER[2]}" 10.78.0.99/24
lab_start other "${LAB_RECEIVER[2]}" dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --no-ping --user=root \
    --dhcp-range=10.78.0.70,10.78.0.80 --dhcp-leasefile="$LAB_DIR/other.leases" --pid-file="$LAB_DIR/other.pid" --port=0
until_true 10 grep -q 'DHCP, IP range' other.err || skip "dnsmasq does not start here"
box
until_true 10 grep -q 'another DHCP server answers here: 10.78.0.99 at 52:49:4e:47:00:02' box.err || fail "the other server goes unseen"
got=$(ask 1) || fail "the other server does not answer"
case $got in 10.78.0.[78][0-9]' '*) ;; *) fail "the box hands out addresses beside another server: $got" ;; esac
lab_stop other
until_true 60 grep -q 'no other DHCP server answers' box.err || fail "the box stays silent when the other server has gone"
got=$(ask 1) || fail "no lease when the other server has gone"
case $got in 10.78.0.[56]*) ;; *) fail "an address of the other server: $got" ;; esac
pass "silent beside another server, and back when it has gone"
