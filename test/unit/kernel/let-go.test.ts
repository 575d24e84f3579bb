import { duplexPair } from 'node:stream';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { letGoWhenClosed } from '../../../src/kernel/let-go.ts';

it('calls everybody who waits for the closing of a stream, and then only swallows late errors', async () => {
  const [stream, other] = duplexPair();
  letGoWhenClosed(stream);
  const told: string[] = [];
  stream.on('error', ({ message }) => told.push(message)).on('close', () => told.push('closed'));
  stream.once('close', () => told.push('closed once')).on('data', () => undefined);
  other.on('error', () => undefined);
  const closed = once(stream, 'close').catch(() => undefined);
  stream.destroy(new Error('cut'));
  await closed;
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual(['cut', 'closed', 'closed once']);
  expect(stream.eventNames()).toEqual(['error']);
  stream.emit('error', new Error('late'));
  expect(told).toHaveLength(3);
});
