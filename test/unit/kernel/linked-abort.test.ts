import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { linkedAbort } from '../../../src/kernel/linked-abort.ts';

describe('a linked abort', () => {
  it('is aborted with the reason of the first of the others', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const linked = linkedAbort(one.signal, undefined, other.signal);
    other.abort('second');
    one.abort('first');
    expect(linked.signal.reason).toBe('second');
  });

  it('is aborted already when one of the others is', () => {
    const gone = AbortSignal.abort('before');
    expect(linkedAbort(new AbortController().signal, gone).signal.reason).toBe('before');
  });

  it('is aborted by itself, and the others are not', () => {
    const other = new AbortController();
    const linked = linkedAbort(other.signal);
    linked.abort('own');
    expect([linked.signal.reason, other.signal.aborted]).toEqual(['own', false]);
  });

  it('leaves nothing with the others when it is unlinked', () => {
    const other = new AbortController();
    const linked = linkedAbort(other.signal);
    expect(getEventListeners(other.signal, 'abort')).toHaveLength(1);
    linked.unlink();
    expect(getEventListeners(other.signal, 'abort')).toHaveLength(0);
    other.abort('late');
    expect(linked.signal.aborted).toBe(false);
  });
});
