/** What goes wrong with a proxy VM, as opposed to the job or its lock: another try or another proxy may do better. */
import { API_ERRORS } from '../contract/errors.ts';
import { messageOf } from '../repository/errors.ts';
import { isHotAddConflict, refusalOfError, retryClassOfError } from '../sdk/scp-error.ts';
import type { ProxyAddress } from './proxy-agent.ts';

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

/** Whether waiting may help. */
export function isProxyBusy(error: unknown): boolean {
  return isHotAddConflict(error) || refusalOfError(error) === 'NO_VMTOOLS';
}

/**
 * What a failure of a call about a proxy's disks means. A lock that does not hold is no fault of the proxy; every other
 * refusal may be. What was waited for in vain, or is known to be for ever, is not asked for again.
 */
export function asTrouble(proxy: ProxyAddress, error: unknown): unknown {
  if (error instanceof ProxyTrouble || retryClassOfError(error) === 'after-reacquire') return error;
  const what = `disks could not be attached to proxy ${proxy.name}: ${messageOf(error)}`;
  const refusal = refusalOfError(error);
  if (refusal === 'DISK_LIMIT') return new NoSlotLeft(what, { cause: error });
  const isHopeless = isProxyBusy(error) || (refusal !== undefined && API_ERRORS[refusal].retry === 'never');
  return new (isHopeless ? UnfitProxy : ProxyTrouble)(what, { cause: error });
}
