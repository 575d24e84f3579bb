/**
 * What somebody between the platform and its client makes of the body of a reply. Status and headers are those of the
 * reply; only the content tells. The journal keeps what the platform said.
 */
import type { FaultKind } from './fault-api.ts';

/** A gateway's page; no JSON whatever the reader forgives. */
const PAGE = '<html><body><h1>Bad gateway</h1></body></html>';

/** The body as it arrives; the same when none of the faults concerns it. */
export function mangleBody(faults: readonly FaultKind[], body: string): string {
  let mangled = body;
  for (const { kind } of faults) {
    if (kind === 'garbage-reply') mangled = PAGE;
    if (kind === 'truncated-reply') mangled = mangled.slice(0, Math.floor(mangled.length / 2));
  }
  return mangled;
}

export function isMangled(faults: readonly FaultKind[]): boolean {
  return faults.some(({ kind }) => kind === 'garbage-reply' || kind === 'truncated-reply');
}
