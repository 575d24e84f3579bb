/** Who may use the control interface. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../../src/contract/errors.ts';

export type AccessRule =
  /** Bound to loopback: whoever is on this machine, except web pages. */
  | { readonly kind: 'loopback' }
  /** Bound elsewhere: whoever has the token. */
  | { readonly kind: 'token'; readonly token: string };

/** @throws ApiError FORBIDDEN, UNAUTHENTICATED */
export function checkAccess(headers: IncomingHttpHeaders, rule: AccessRule): void {
  if (rule.kind === 'token') return checkToken(headers.authorization, rule.token);
  if (!isLoopbackName(hostName(headers.host)))
    throw new ApiError('FORBIDDEN', 'the Host header must name 127.0.0.1, localhost or [::1]');
  // A page of another site, also one served from this machine, sends its own origin.
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`)
    throw new ApiError('FORBIDDEN', 'calls from web pages are refused');
}

function checkToken(authorization: string | undefined, token: string): void {
  const given = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
  if (given === undefined)
    throw new ApiError(
      'UNAUTHENTICATED',
      'send "Authorization: Bearer TOKEN" with the token that serve printed',
    );
  // Of equal length, and compared without telling how much fits.
  if (!timingSafeEqual(digest(given), digest(token)))
    throw new ApiError('UNAUTHENTICATED', 'the control token is wrong');
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function hostName(host: string | undefined): string {
  return (host ?? '').replace(/:\d+$/, '');
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
