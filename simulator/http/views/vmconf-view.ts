/**
 * The configuration that a snapshot remembers, complete enough to create the server anew.
 * @source SCP OpenAPI 6.11.1, snapshot detail
 * @fidelity documented (fields), assumed (values that the world does not hold)
 */
import type { Vmconf } from '../../../src/contract/schemas/vmconf.ts';
import type { Server, ServerDisk, World } from '../../domain/world-api.ts';
import { stableUuid } from './derived.ts';

const GIB = 2 ** 30;

export function vmconf(world: World, server: Server): Vmconf {
  const version = world.clusters.find(({ id }) => id === server.clusterId)?.version ?? '';
  return {
    name: server.name,
    description: server.description,
    group_id: server.groupId,
    host_id: 'cluster',
    datastore_id: server.disks[0]?.datastoreId ?? world.datastores[0]?.id ?? '',
    storage_policy_id: '',
    schedule_policy_id: '',
    template_id: '',
    label_ids: [],
    logo: '',
    pci_type: 'pci-bridge',
    application: server.isDesktopRevert ? 'DESK_SCENARIO' : 'COMPUTE_SCENARIO',
    source: 'NORMAL',
    compatibility_version: { src_hci_version: version, vmx_version: 'vmx-3.17' },
    os_option: {
      arch: 'amd64',
      distribution_name: server.osDistribution,
      kernel_name: server.osKernel,
    },
    advanced_option: advancedOption(server),
    hardware_option: hardwareOption(server),
  };
}

const advancedOption = (server: Server): Vmconf['advanced_option'] => ({
  abnormal_recovery_enabled: true,
  board_type: 'Q35',
  boot_with_host_enabled: false,
  display_screen: 'DISPLAY_1K',
  dual_screen_enabled: false,
  encrypted: false,
  file_filter_enabled: false,
  fully_clone: false,
  guest: { grub_prompt: false, hostname: server.name, os_installed: true, processor_id: '' },
  ha_enabled: true,
  has_3d_fast_path: false,
  important: false,
  kvm_clock_enabled: true,
  l3_cache_enabled: true,
  lifespan: '-1',
  nested_virtualization_enabled: false,
  network_affinity_enabled: false,
  ple_enabled: true,
  resource_reserve_policies: [],
  restore_mode: server.isDesktopRevert ? 'SNAPSHOT' : 'DISABLED',
  sand_box_enabled: false,
  timing_sync_vm_clock_enabled: false,
  tpm_enabled: false,
  turbo_mode_enabled: server.isTurboMode,
  uuid: { enable: true, only_2_qemu: false, uuid: stableUuid(`bios ${server.id}`) },
  vd_agent_enabled: false,
  virtio: { vblk_enabled: true, vnet_enabled: true },
  vmtools_install_state: server.vmtools === 1 ? 'INSTALLED' : 'NOT_INSTALLED',
});

const hardwareOption = (server: Server): Vmconf['hardware_option'] => ({
  bios: {
    bios_type: 'SEABIOS',
    boot_delay_seconds: 0,
    boot_disk: bootDisk(server),
    boot_order: 'c',
    path: '',
    version: '',
  },
  cpu: {
    sockets: server.sockets,
    cores: server.coresPerSocket,
    type: 'core2duo',
    vendor: 'INTEL',
    frequency: 2400,
    exclusive_enabled: false,
    hotplug_enabled: false,
    invtsc_enabled: false,
    numa_enabled: true,
    cpu_reserve_enabled: false,
  },
  memory: {
    size_gb: server.memoryMb / 1024,
    balloon_enabled: true,
    hotplug_enabled: false,
    huge_page_enabled: false,
  },
  disks: server.disks.map(vmconfDisk),
  network_adapters: server.networks.map((network) => ({
    vif_id: network.vifId,
    type: 'VIRTIO',
    mac_address: network.macAddress,
    connected: 1,
    device_id: '',
    port_id: '',
    ingress_kbps: 0,
    egress_kbps: 0,
    ipv4: { address: network.ipAddress, prefix_length: 24, gateway: '', dns: [] },
  })),
  cdroms: [],
  graphics: { type: 'STANDARD' },
  graphics_3d: [],
  usb_disks: [],
  usb_type: 'USB2',
  keyboard_type: 'en-us',
  mouse_type: 'USB',
});

const bootDisk = ({ disks }: Server): string => disks[0]?.deviceId ?? '';

/** A size in GiB is exact even for odd sizes, since dividing by a power of two loses nothing. */
const vmconfDisk = (disk: ServerDisk) => ({
  device_id: disk.deviceId,
  adapter_type: disk.deviceId.startsWith('virtio') ? 'VIRTIO' : 'IDE',
  disk_type: 'HARD_DISK',
  format_type: disk.preallocate.toUpperCase(),
  size_gb: disk.sizeBytes / GIB,
  base_image_id: '',
  discard: false,
  read_cache_size: 0,
  advanced_config: { policy_id: '', serial_number: disk.uuid },
  io_config: {},
});
