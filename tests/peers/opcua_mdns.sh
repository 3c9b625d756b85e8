#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two machines on one wire, as network namespaces: avahi announces a simulated server on the first, a gateway listens on the
# second. Run inside of namespaces of its own: unshare --net --mount tests/peers/opcua_mdns.sh PROGRAM FOLDER
# Prints what was asked for, then what was heard without asking, a line of JSON each.
set -eu
program=$1
folder=$2
mount -t tmpfs none /run
mkdir -p /run/netns /run/avahi-daemon /run/bus
ip link set lo up
ip netns add gateway
ip link add here type veth peer name there
ip link set there netns gateway
ip addr add 10.9.0.1/24 dev here
ip link set here up
ip netns exec gateway ip link set lo up
ip netns exec gateway ip addr add 10.9.0.2/24 dev there
ip netns exec gateway ip link set there up

cat > /run/bus/conf <<X
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=/run/bus/socket</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
X
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus/socket
dbus-daemon --config-file=/run/bus/conf --nofork &
bus=$!
printf '[server]\nhost-name=plc-3\nuse-ipv4=yes\nuse-ipv6=no\n' > /run/bus/avahi
while [ ! -S /run/bus/socket ]; do sleep 0.1; done
avahi-daemon -f /run/bus/avahi --no-drop-root --no-chroot --no-rlimits > "$folder/avahi.log" 2>&1 &
avahi=$!
"$program" sim "$folder/plant" > "$folder/sim.log" 2>&1 &
sim=$!
ip netns exec gateway "$program" run --config "$folder/site" --data "$folder/data" --http 127.0.0.1:8080 \
  --time-series off --socket /run/bus/busbar > "$folder/gateway.log" 2>&1 &
gateway=$!
trap 'kill $bus $avahi $sim $gateway 2> /dev/null || true' EXIT
export BUSBAR_SERVER=unix:/run/bus/busbar
tries=0
until "$program" status > /dev/null 2>&1; do
  tries=$((tries + 1))
  [ $tries -lt 300 ]
  sleep 0.1
done
sleep 1
avahi-publish -s 'press.hall 2' _opcua-tcp._tcp 48250 path=/machine caps=DA,HD > "$folder/publish.log" 2>&1 &
publish=$!
trap 'kill $publish $bus $avahi $sim $gateway 2> /dev/null || true' EXIT
sleep 6
"$program" discover opcua --heard --json=name,address,state,facts
echo
"$program" discover opcua --json=name,address,state,facts
echo
