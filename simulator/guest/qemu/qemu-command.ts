/** The machine that QEMU is asked to be: what boots in it, its hot-plug slots, the agent's port. */

/** What the machine starts from: the small image of this project, or a disk that somebody else made. */
export type ProxyBoot =
  | {
      readonly kind: 'kernel';
      readonly kernel: string;
      readonly initramfs: string;
      /** Of a machine that has booted: this one goes on from there. */
      readonly state?: string;
    }
  | { readonly kind: 'disk'; readonly file: string; readonly format: 'qcow2' | 'raw' };

export interface MachineShape {
  readonly boot: ProxyBoot;
  readonly memoryMb: number;
  readonly cpus: number;
  /** `tcg` works everywhere. `kvm` is faster where /dev/kvm is one that can be used. */
  readonly accelerator: 'tcg' | 'kvm';
  /** The guest reaches this machine at 10.0.2.2, and through it the network, if it has one. */
  readonly hasNetwork: boolean;
}

/** What a user may say about the machines. */
export interface ProxyMachineOptions {
  /** Default 256; with an own image 2048. */
  readonly memoryMb?: number;
  /** Default 2. */
  readonly cpus?: number;
  /** Default `tcg`. */
  readonly accelerator?: MachineShape['accelerator'];
  /** The guest reaches this machine at 10.0.2.2. Default: only with an own image. */
  readonly hasNetwork?: boolean;
  /** Where backlot's own image is kept once made. Default: `.cache/backlot` in the user's home. */
  readonly cacheFolder?: string;
}

/** Files and sockets of one machine. QEMU connects to the sockets; this process listens there. */
export interface MachinePaths {
  readonly qmp: string;
  readonly agent: string;
  readonly console: string;
}

/** Name of the virtio-serial port, as the guest sees it. */
export const AGENT_PORT = 'org.backlot.agent';

/**
 * A PCI Express port takes one disk each and makes booting slower; behind a bridge to plain PCI there are 31 places,
 * and the guest is told of a disk over ACPI all the same.
 */
const BRIDGES = 3;
const SLOTS_PER_BRIDGE = 31;

/** Places for hot-plugged disks: more than the 64 disks that a server may have. */
export const HOT_PLUG_SLOTS = BRIDGES * SLOTS_PER_BRIDGE;

export interface SlotAddress {
  readonly bus: string;
  /** Number on the bus, hexadecimal as QEMU reads it. */
  readonly addr: string;
}

export function slotAddress(slot: number): SlotAddress {
  const bridge = Math.floor(slot / SLOTS_PER_BRIDGE);
  return { bus: `bridge${bridge}`, addr: ((slot % SLOTS_PER_BRIDGE) + 1).toString(16) };
}

export function qemuArguments(shape: MachineShape, paths: MachinePaths): readonly string[] {
  const isKvm = shape.accelerator === 'kvm';
  return [
    ['-nodefaults', '-no-user-config', '-no-reboot'],
    ['-display', 'none'],
    ['-machine', 'q35'],
    ['-accel', isKvm ? 'kvm' : 'tcg,thread=multi'],
    ['-cpu', isKvm ? 'host' : 'max'],
    ['-smp', `${shape.cpus}`],
    ['-m', `${shape.memoryMb}M`],
    ['-serial', `file:${paths.console}`],
    ['-chardev', `socket,id=qmp,path=${comma(paths.qmp)}`, '-mon', 'chardev=qmp,mode=control'],
    ['-chardev', `socket,id=agent,path=${comma(paths.agent)}`],
    ['-device', 'virtio-serial-pci,id=ports'],
    ['-device', `virtserialport,bus=ports.0,chardev=agent,name=${AGENT_PORT}`],
    ...Array.from({ length: BRIDGES }, (_, bridge) => bridgeArguments(bridge)),
    shape.hasNetwork ? ['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net'] : [],
    bootArguments(shape.boot),
  ].flat();
}

function bridgeArguments(bridge: number): readonly string[] {
  const port = `pcie-root-port,id=port${bridge},chassis=${bridge + 1},slot=${bridge + 1}`;
  return ['-device', port, '-device', `pcie-pci-bridge,id=bridge${bridge},bus=port${bridge}`];
}

function bootArguments(boot: ProxyBoot): readonly string[] {
  if (boot.kind === 'kernel') {
    const words = 'console=ttyS0 quiet loglevel=3 panic=-1';
    return ['-kernel', boot.kernel, '-initrd', boot.initramfs, '-append', words];
  }
  // Boot loaders want a screen, though nobody looks at it. What the guest writes goes to a file that is thrown away.
  return ['-vga', 'std', '-drive', `file=${comma(boot.file)},format=${boot.format},if=virtio,snapshot=on`];
}

/** In QEMU's lists of settings a comma ends one. */
function comma(text: string): string {
  return text.replaceAll(',', ',,');
}
