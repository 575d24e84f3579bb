/** A job that is posted to an HTTP endpoint, whose answer comes line by line while the job goes on. */
import { Agent, request } from 'undici';

export interface PostOptions {
  readonly url: string;
  /** The JSON document. */
  readonly input: string;
  readonly onOutput: (chunk: Uint8Array) => void;
}

export type PostEnd = { readonly kind: 'answered' } | { readonly kind: 'unreachable'; readonly why: string };

export interface PostedJob {
  readonly ended: Promise<PostEnd>;
  /** Breaks the connection off. */
  kill(): void;
}

/** Jobs take as long as they take: only connecting has a limit, and whoever posts has one for the whole. */
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } });
const SHOWN_CHARACTERS = 200;

export function postJob({ url, input, onOutput }: PostOptions): PostedJob {
  const abort = new AbortController();
  const post = async (): Promise<PostEnd> => {
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
        body: input,
        signal: abort.signal,
      });
      if (answer.statusCode !== 200) {
        const text = (await answer.body.text()).slice(0, SHOWN_CHARACTERS);
        return { kind: 'unreachable', why: `${url} answered ${answer.statusCode}: ${text}` };
      }
      for await (const chunk of answer.body) onOutput(chunk as Uint8Array);
      return { kind: 'answered' };
    } catch (error) {
      return {
        kind: 'unreachable',
        why: `${url}: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  };
  return { ended: post(), kill: () => abort.abort() };
}
