/** What goes wrong with a proxy VM, as opposed to the job or its lock: another try or another proxy may do better. */

export class ProxyTrouble extends Error {
  override readonly name: string = 'ProxyTrouble';
}

/** The proxy cannot have so many disks at once. */
export class NoSlotLeft extends ProxyTrouble {
  override readonly name = 'NoSlotLeft';
}
