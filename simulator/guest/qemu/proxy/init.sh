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
while read -r module; do
  insmod "/modules/$module" || echo "proxy: $module cannot be loaded"
done </modules/order
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
