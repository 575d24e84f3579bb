/** What goes wrong with a proxy VM, as opposed to the job or its lock: another try or another proxy may do better. */

export class ProxyTrouble extends Error {
  override readonly name: string = 'ProxyTrouble';
}

/** It will not serve a second time either. */
export class UnfitProxy extends ProxyTrouble {
  override readonly name = 'UnfitProxy';
}

/** The proxy cannot have so many disks at once. */
export class NoSlotLeft extends ProxyTrouble {
  override readonly name = 'NoSlotLeft';
}

/** No proxy serves the server's disks. */
export class NoProxy extends ProxyTrouble {
  override readonly name = 'NoProxy';
  readonly hint: string;

  constructor(why: string, hint: string, options?: ErrorOptions) {
    super(why, options);
    this.hint = hint;
  }
}
