/**
 * A server's configuration as a snapshot remembers it and as `servers/config` takes it back. Switches are booleans
 * on the way out and 0 or 1 on the way in; both are taken.
 * @source SCP OpenAPI 6.11.1, snapshot detail and servers/config
 */
import {
  anything,
  bool,
  flag,
  integer,
  listOf,
  number,
  object,
  type Schema,
  type Static,
  text,
  textUpTo,
  zeroOne,
} from '../schema.ts';

const osOption = object({}, { arch: text, distribution_name: text, kernel_name: text });

const numberText: Schema<number | string> = { type: ['number', 'string'] };
const textOrInteger: Schema<string | number> = { type: ['string', 'integer'] };

const diskIn = object(
  {},
  {
    device_id: textUpTo(64, 1),
    id: textOrInteger,
    size_gb: number,
    size_mb: number,
    format_type: text,
    preallocate: text,
    adapter_type: text,
  },
);

const adapterIn = object(
  { vif_id: textUpTo(64, 1) },
  {
    type: text,
    mac_address: text,
    connected: flag,
    device_id: text,
    port_id: text,
    ipv4: object({ address: text, prefix_length: integer }),
  },
);

export const serverConfigBody = object(
  {
    az_id: textUpTo(128, 1),
    name: textUpTo(255, 1),
    datastore_id: textUpTo(256, 1),
    os_option: osOption,
    hardware_option: object(
      {},
      {
        bios: object({}),
        cpu: object({}, { sockets: integer, cores: integer }),
        memory: object({}, { size_gb: number }),
        disks: listOf(diskIn),
        network_adapters: listOf(adapterIn),
      },
    ),
  },
  {
    description: text,
    group_id: text,
    host_id: text,
    advanced_option: object({}),
    logo: numberText,
  },
);

export const serverCreated = object({ task_id: text, uuid: text });

export const vmconf = object({
  name: text,
  description: text,
  group_id: text,
  /** `cluster` when the server may run anywhere. */
  host_id: text,
  datastore_id: text,
  storage_policy_id: text,
  schedule_policy_id: text,
  template_id: text,
  label_ids: listOf(text),
  logo: text,
  pci_type: text,
  application: text,
  source: text,
  compatibility_version: object({ src_hci_version: text, vmx_version: text }),
  os_option: object({ arch: text, distribution_name: text, kernel_name: text }),
  advanced_option: object({
    abnormal_recovery_enabled: bool,
    board_type: text,
    boot_with_host_enabled: bool,
    display_screen: text,
    dual_screen_enabled: bool,
    encrypted: bool,
    file_filter_enabled: bool,
    fully_clone: bool,
    guest: object({ grub_prompt: bool, hostname: text, os_installed: bool, processor_id: text }),
    ha_enabled: bool,
    has_3d_fast_path: bool,
    important: bool,
    kvm_clock_enabled: bool,
    l3_cache_enabled: bool,
    lifespan: text,
    nested_virtualization_enabled: bool,
    network_affinity_enabled: bool,
    ple_enabled: bool,
    resource_reserve_policies: listOf(anything),
    restore_mode: text,
    sand_box_enabled: bool,
    timing_sync_vm_clock_enabled: bool,
    tpm_enabled: bool,
    turbo_mode_enabled: bool,
    uuid: object({ enable: bool, only_2_qemu: bool, uuid: text }),
    vd_agent_enabled: bool,
    virtio: object({ vblk_enabled: bool, vnet_enabled: bool }),
    vmtools_install_state: text,
  }),
  hardware_option: object({
    bios: object({
      bios_type: text,
      boot_delay_seconds: integer,
      boot_disk: text,
      boot_order: text,
      path: text,
      version: text,
    }),
    cpu: object({
      sockets: integer,
      cores: integer,
      type: text,
      vendor: text,
      frequency: integer,
      exclusive_enabled: bool,
      hotplug_enabled: bool,
      invtsc_enabled: bool,
      numa_enabled: bool,
      cpu_reserve_enabled: bool,
    }),
    /** GiB; may be fractional. */
    memory: object({
      size_gb: number,
      balloon_enabled: bool,
      hotplug_enabled: bool,
      huge_page_enabled: bool,
    }),
    disks: listOf(
      object({
        device_id: text,
        adapter_type: text,
        disk_type: text,
        format_type: text,
        /** GiB; fractional where the disk is no whole number of them. */
        size_gb: number,
        base_image_id: text,
        discard: bool,
        read_cache_size: integer,
        advanced_config: object({ policy_id: text, serial_number: text }),
        io_config: object({}),
      }),
    ),
    network_adapters: listOf(
      object({
        vif_id: text,
        type: text,
        mac_address: text,
        /** A number here, although every other switch of the answer is a boolean. */
        connected: zeroOne,
        device_id: text,
        port_id: text,
        ingress_kbps: integer,
        egress_kbps: integer,
        ipv4: object({ address: text, prefix_length: integer, gateway: text, dns: listOf(text) }),
      }),
    ),
    cdroms: listOf(anything),
    graphics: object({ type: text }),
    graphics_3d: listOf(anything),
    usb_disks: listOf(anything),
    usb_type: text,
    keyboard_type: text,
    mouse_type: text,
  }),
});

export type Vmconf = Static<typeof vmconf>;
export type ServerConfigBody = Static<typeof serverConfigBody>;
