#!/bin/bash
# Real firmware finds its file: OVMF beside dnsmasq (an offer without an address, then port 4011), OVMF before our menu (the prompt runs out, its
# first item is asked for on port 4011). The file itself is nobody's program: that it is loaded is what counts.
. "$(dirname "$0")/lib.sh"
ovmf=/usr/share/OVMF
requires "$RINGCAST" qemu-system-x86_64 $ovmf/OVMF_CODE_4M.fd dnsmasq /dev/net/tun
lab_up 1
cd "$LAB_DIR"
mkdir payload data trees trees/esxi
page() { printf 'RINGCAST-BOX-IDENTITY-1'; head -c 1001 /dev/zero | tr '\0' '\n'; }
{ head -c 30000 /dev/urandom; page; } >payload/ringcast-x86_64.efi
echo loader >trees/esxi/bootx64.efi

box() # MODE LINE
{
    printf '[box]\naddress = 10.78.0.1/24\n[dhcp]\nmode = %s\n[boot]\n%s\n' "$1" "$2" >ringcast.conf
    printf '[entry ESXi]\nkind = tree\nfolder = trees/esxi\nloader-uefi = bootx64.efi\n' >>ringcast.conf
    lab_start box "$LAB_SERVER" "$RINGCAST" box --config ringcast.conf --data data --payload payload
    until_true 20 grep -q 'is up on eth0 as 10.78.0.1' box.err || fail "the box does not start"
}

# firmware N: a UEFI machine on the switch, with nothing but its network card.
firmware()
{
    ip -n "$LAB_SWITCH" tuntap add "m$1" mode tap || skip "no tap devices here"
    ip -n "$LAB_SWITCH" link set "m$1" master br0 up
    cp $ovmf/OVMF_VARS_4M.fd "vars$1"
    lab_start "firmware$1" "$LAB_SWITCH" qemu-system-x86_64 -M q35 -accel tcg -m 256 -display none -serial "file:serial$1" -net none \
        -drive "if=pflash,format=raw,readonly=on,file=$ovmf/OVMF_CODE_4M.fd" -drive "if=pflash,format=raw,file=vars$1" \
        -fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n \
        -netdev "tap,id=n,ifname=m$1,script=no,downscript=no" -device "virtio-net-pci,netdev=n,mac=52:49:4e:47:01:0$1,romfile="
}

loaded() { until_true 240 grep -Eq 'tftp: .* has payload/ringcast-x86_64.efi' box.err || fail "$1: nothing loaded: $(tail -c 600 "serial$2")"; }

lab_address "${LAB_RECEIVER[1]}" 10.78.0.3/24
lab_start dhcp "${LAB_RECEIVER[1]}" dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --no-ping --port=0 --user=root \
    --dhcp-range=10.78.0.150,10.78.0.160 --dhcp-leasefile="$LAB_DIR/leases" --log-dhcp --pid-file="$LAB_DIR/dnsmasq.pid"
until_true 10 grep -q 'DHCP, IP range' dhcp.err || skip "dnsmasq does not start here"
box proxy ''
firmware 1
loaded "beside dnsmasq" 1
grep -q '52:49:4e:47:01:01 (architecture 7) is sent to port 4011' box.err || fail "not by way of port 4011"
lab_stop firmware1
lab_stop box
pass "OVMF beside dnsmasq: port 4011, then the file"

box proxy 'uefi-direct = yes'
firmware 2
loaded "beside dnsmasq, at once" 2
grep -q 'is sent to port 4011' box.err && fail "by way of port 4011"
lab_stop firmware2
lab_stop box
lab_stop dhcp
pass "OVMF beside dnsmasq: the file in the offer"

box server 'menu = 3'
until_true 20 grep -q 'addresses are handed out' box.err || fail "no addresses"
firmware 3
loaded "a menu" 3
grep -q '52:49:4e:47:01:03 (architecture 7) is sent to a menu' box.err || fail "no menu was offered"
lab_stop firmware3
pass "OVMF before a menu: its first item by itself"
