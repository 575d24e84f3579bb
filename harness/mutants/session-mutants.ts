/** Engines that log in, or mark their requests, in a wrong way. Their bytes are right; the platform suffers. */
import type { HttpRequest, HttpResponse } from '../../src/sdk/http-transport.ts';
import { intercept, matchCall, withQuery, withRequestBody } from './http-edits.ts';
import type { Mutant } from './mutant.ts';

const AUTHENTICATE = /\/authenticate$/;
const PUBLIC_KEY = /\/public-key$/;
const ANY = /./;
/** One for all calls of an engine. */
const ONLY_TOKEN = '6f1f7c1e-3d3a-4b57-9d4e-0a8f00000001';
const TOKEN_HEADER = 'X-Client-Token';

export const SESSION_MUTANTS: readonly Mutant[] = [
  {
    id: 'logs-in-for-every-call',
    breaks: 'engine',
    title: 'logs in again before every call',
    killers: ['S016-token-expires-in-mid-job'],
    seams: () => ({
      transport: (inner, hosted) => {
        let login: HttpRequest | undefined;
        let logins = 0;
        return intercept(inner, async (request, pass) => {
          if (matchCall(request, 'POST', AUTHENTICATE) !== undefined) login = request;
          else if (login !== undefined && matchCall(request, 'GET', PUBLIC_KEY) === undefined)
            await pass(withRequestBody(hosted, login, JSON.parse(login.body ?? ''), `-${++logins}`));
          return pass(request);
        });
      },
    }),
  },
  {
    id: 'hammers-the-login',
    breaks: 'engine',
    title: 'asks again and again when its login is refused',
    killers: ['S075-login-refused-for-a-while'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          if (matchCall(request, 'POST', AUTHENTICATE) === undefined) return pass(request);
          let answer: HttpResponse = await pass(request);
          for (let again = 1; again <= 5 && answer.status >= 400; again++)
            answer = await pass(
              withRequestBody(hosted, request, JSON.parse(request.body ?? ''), `-${again}`),
            );
          return answer;
        }),
    }),
  },
  {
    id: 'no-client-token',
    breaks: 'engine',
    title: 'sends no client token with what it makes',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      transport: (inner) =>
        intercept(inner, (request, pass) => {
          const { [TOKEN_HEADER]: token, ...headers } = request.headers;
          return pass(token === undefined ? request : { ...request, headers });
        }),
    }),
  },
  {
    id: 'new-token-on-repeat',
    breaks: 'engine',
    title: 'draws a new client token for each repetition of a call',
    killers: ['S032-snapshot-answer-lost'],
    seams: () => ({
      transport: (inner) => {
        let sent = 0;
        return intercept(inner, (request, pass) => pass(withToken(request, (token) => `${token}-${++sent}`)));
      },
    }),
  },
  {
    id: 'one-token-for-all',
    breaks: 'engine',
    title: 'has one client token for all of its calls',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      transport: (inner) => intercept(inner, (request, pass) => pass(withToken(request, () => ONLY_TOKEN))),
    }),
  },
  {
    id: 'credentials-in-the-address',
    breaks: 'engine',
    title: 'repeats its access key in the address of what it asks',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      transport: (inner) =>
        intercept(inner, (request, pass) => {
          const call = matchCall(request, 'GET', ANY);
          if (call === undefined) return pass(request);
          call.query.set('access_key', 'AK0000');
          return pass(withQuery(request, call));
        }),
    }),
  },
];

function withToken(request: HttpRequest, change: (token: string) => string): HttpRequest {
  const token = request.headers[TOKEN_HEADER];
  if (token === undefined) return request;
  return { ...request, headers: { ...request.headers, [TOKEN_HEADER]: change(token) } };
}
