#!/bin/busybox sh
# First program of the proxy guest: mounts what the kernel offers, loads the drivers, hands the port to the agent.
/bin/busybox mkdir -p /dev /proc /sys /tmp /bin
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
exec >/dev/console 2>&1 </dev/null
load() { # file with the names of drivers, in order
  while read -r module; do
    insmod "/modules/$module" || echo "proxy: $module cannot be loaded"
  done <"$1"
}
load /modules/order
if grep -q 0x0001 /sys/bus/virtio/devices/*/device; then
  load /modules/network
  # The addresses of QEMU's own small network: this machine, and the host.
  ip link set eth0 up && ip address add 10.0.2.15/24 dev eth0 && ip route add default via 10.0.2.2
fi
# A program that opens a device in the moment it goes away would leave a plain file of its name there.
mount -o remount,bind,ro /dev
for port in /sys/class/virtio-ports/*; do
  if read -r name <"$port/name" && [ "$name" = org.backlot.agent ]; then
    echo "proxy: agent on ${port##*/}"
    /agent "/dev/${port##*/}"
  fi
done
echo "proxy: the agent has ended"
poweroff -f
