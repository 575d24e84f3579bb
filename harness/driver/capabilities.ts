/** What a backup engine can do, as its vendor declares it. The harness compares it with what it sees. */

/** Each is one sentence that begins with "the engine ...". */
export const CAPABILITIES = {
  nbd: 'reads disks over NBD',
  nbdssl: 'reads disks over NBD with TLS',
  hotadd: 'reads disks that are hot-added to a proxy VM',
  incremental: 'backs up changed blocks only, after a full backup',
  'restore-new': 'restores a point to a new server',
  'restore-original': 'restores a point over an existing server',
  cleanup: 'removes what an interrupted job has left',
  'password-login': 'logs in with user name and password',
  'access-key': 'signs its requests with an access key',
  'disables-cbt': 'switches CBT off when a server is no longer protected',
  'several-servers': 'backs up several servers at the same time',
} as const;

export type Capability = keyof typeof CAPABILITIES;
