/** A platform that answers from a script, for what the simulator never does. */
import {
  type HttpRequest,
  type HttpResponse,
  type HttpTransport,
  TransportError,
} from '../../../src/sdk/http-transport.ts';

export type Answer = { status?: number; body?: unknown; headers?: Record<string, string> } | 'silence';

export interface ScriptedTransport extends HttpTransport {
  readonly requests: readonly HttpRequest[];
}

/** Answers in order; the last answer is repeated. */
export function scriptTransport(...answers: Answer[]): ScriptedTransport {
  const requests: HttpRequest[] = [];
  return {
    requests,
    async send(request): Promise<HttpResponse> {
      const answer = answers[Math.min(requests.push(request), answers.length) - 1];
      if (answer === undefined || answer === 'silence') throw new TransportError('no answer');
      const { status = 200, body = { code: 0, message: '', data: {} }, headers = {} } = answer;
      return { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
    },
    close: async () => {},
  };
}

export const ok = (data: unknown): Answer => ({ body: { code: 0, message: '', data } });
export const refuse = (status: number, message = 'no'): Answer => ({
  status,
  body: { code: status, message, data: {} },
});
