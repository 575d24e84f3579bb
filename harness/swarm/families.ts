/** Kinds of attack that belong together: drawn for a whole run, or left out of it. */

export interface Family {
  readonly name: string;
  /** Names of attacks in the table of the sweep; `refuse` means every `refuse:CODE`. */
  readonly faults: readonly string[];
}

export const FAMILIES: readonly Family[] = [
  { name: 'lost calls', faults: ['lose-request', 'lose-reply', 'garbage-reply', 'truncated-reply'] },
  { name: 'errors', faults: ['error', 'errno', 'refuse'] },
  { name: 'slowness', faults: ['delay', 'one-byte-at-a-time'] },
  { name: 'locks', faults: ['expire-resource', 'occupy', 'preempt'] },
  { name: 'tokens', faults: ['expire-tokens'] },
  { name: 'change tracking', faults: ['cbt-expired', 'cbt-page-repeated', 'cbt-page-cut'] },
  { name: 'tasks', faults: ['task-fails', 'task-hangs', 'task-phantom'] },
  { name: 'too many calls', faults: ['unavailable', 'rate-limited'] },
  { name: 'platform', faults: ['host-gone', 'datastore-offline', 'datastore-full', 'restart'] },
  {
    name: 'proxies',
    faults: [
      'proxy-crash',
      'device-late',
      'device-never',
      'device-order',
      'device-vanishes',
      'device-name',
      'device-serial',
      'detach-hangs',
      'detach-early',
    ],
  },
  {
    name: 'connections',
    faults: [
      'drop-after-bytes',
      'silence-after-bytes',
      'garbage-after-bytes',
      'reorder-replies',
      'bad-certificate',
    ],
  },
  { name: 'repository', faults: ['storage-fails'] },
  { name: 'kills', faults: ['kill', 'kill-after', 'power-cut', 'power-cut-after'] },
  { name: 'clocks', faults: ['clock-ahead', 'clock-back'] },
];

/**
 * Wrong bytes that look right: only reading twice tells, or another way to the disk, and not even that when another
 * fault strikes the second reading. They are the sweep's, one at a time.
 */
export const LIES: readonly string[] = ['cbt-misses-block', 'corrupt-payload', 'guest-signature'];

export function isOf({ faults }: Family, fault: string): boolean {
  return faults.some((name) => fault === name || fault.startsWith(`${name}:`));
}
