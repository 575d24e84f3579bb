import { describe, expect, it } from 'vitest';
import {
  HOT_PLUG_SLOTS,
  type MachineShape,
  qemuArguments,
  slotAddress,
} from '../../../../simulator/guest/qemu/qemu-command.ts';

const PATHS = { qmp: '/run/a,b/qmp.sock', agent: '/run/port.sock', console: '/run/console.log' };
const SHAPE: MachineShape = {
  boot: { kind: 'kernel', kernel: '/boot/vmlinuz', initramfs: '/cache/proxy.cpio.gz' },
  memoryMb: 256,
  cpus: 2,
  accelerator: 'tcg',
  hasNetwork: false,
};

/** Values of one setting, in order. */
function valuesOf(args: readonly string[], name: string): string[] {
  return args.flatMap((word, at) => (word === name ? (args[at + 1] ?? '') : []));
}

describe("QEMU's arguments", () => {
  it('boot the kernel without a network, and name the sockets, commas doubled', () => {
    const args = qemuArguments(SHAPE, PATHS);
    expect(valuesOf(args, '-kernel')).toEqual(['/boot/vmlinuz']);
    expect(valuesOf(args, '-chardev')).toContain('socket,id=qmp,path=/run/a,,b/qmp.sock');
    expect(valuesOf(args, '-netdev')).toEqual([]);
    expect(valuesOf(args, '-drive')).toEqual([]);
    expect(valuesOf(args, '-m')).toEqual(['256M']);
    expect(valuesOf(args, '-cpu')).toEqual(['max']);
  });

  it('boot a disk that keeps nothing, with a network when there shall be one', () => {
    const boot = { kind: 'disk', file: '/images/a,b.qcow2', format: 'qcow2' } as const;
    const args = qemuArguments({ ...SHAPE, boot, hasNetwork: true, accelerator: 'kvm' }, PATHS);
    expect(valuesOf(args, '-drive')).toEqual(['file=/images/a,,b.qcow2,format=qcow2,if=virtio,snapshot=on']);
    expect(valuesOf(args, '-kernel')).toEqual([]);
    expect(valuesOf(args, '-netdev')).toEqual(['user,id=net']);
    expect(valuesOf(args, '-accel')).toEqual(['kvm']);
  });

  it('have a place of its own for every disk that may be plugged in', () => {
    const buses = valuesOf(qemuArguments(SHAPE, PATHS), '-device').flatMap(
      (device) => /^pcie-pci-bridge,id=(\w+)/.exec(device)?.[1] ?? [],
    );
    const places = Array.from({ length: HOT_PLUG_SLOTS }, (_, slot) => slotAddress(slot));
    expect(new Set(places.map(({ bus, addr }) => `${bus} ${addr}`)).size).toBe(HOT_PLUG_SLOTS);
    expect(new Set(places.map(({ bus }) => bus))).toEqual(new Set(buses));
    expect(places.every(({ addr }) => parseInt(addr, 16) >= 1 && parseInt(addr, 16) <= 31)).toBe(true);
    expect(HOT_PLUG_SLOTS).toBeGreaterThan(64);
  });
});
