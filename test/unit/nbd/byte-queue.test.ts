import { expect, test } from 'vitest';
import { ByteQueue } from '../../../src/nbd/wire/byte-queue.ts';

function queueOf(...chunks: string[]): ByteQueue {
  const queue = new ByteQueue();
  for (const chunk of chunks) queue.push(Buffer.from(chunk));
  return queue;
}

test('takes bytes across chunks', () => {
  const queue = queueOf('ab', '', 'c', 'defg');
  expect(queue.take(1).toString()).toBe('a');
  expect(queue.take(4).toString()).toBe('bcde');
  expect(queue.length).toBe(2);
  expect(queue.take(2).toString()).toBe('fg');
  expect(() => queue.take(1)).toThrow(RangeError);
});

test('gives a view where the bytes lie in one chunk', () => {
  const chunk = Buffer.from('abcdef');
  const queue = new ByteQueue();
  queue.push(chunk);
  expect(queue.take(3).buffer).toBe(chunk.buffer);
  expect(queue.takeView(100).toString()).toBe('def');
  expect(queue.takeView(100)).toHaveLength(0);
});

test('peeks at a number across chunks without taking it', () => {
  const queue = new ByteQueue();
  for (const byte of [0, 0xde, 0xad, 0xbe, 0xef]) queue.push(Buffer.from([byte]));
  queue.skip(1);
  expect(queue.peekU32()).toBe(0xdeadbeef);
  expect(queue.length).toBe(4);
});

test('keeps what is left when the memory of the last chunk is reused', () => {
  const queue = queueOf('ab');
  const borrowed = Buffer.from('cdef');
  queue.push(borrowed);
  queue.skip(3);
  queue.ownLast();
  borrowed.fill('x');
  expect(queue.take(3).toString()).toBe('def');
});

test('fills a target as far as the bytes reach', () => {
  const queue = queueOf('ab', 'cd');
  const target = Buffer.alloc(6, '-');
  expect(queue.copyInto(target, 1, 4)).toBe(4);
  expect(queue.copyInto(target, 4, 6)).toBe(5);
  expect(target.toString()).toBe('-abcd-');
});

test('stays right over many single bytes', () => {
  const queue = new ByteQueue();
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at < 1000; at++) queue.push(Buffer.from([at % 251]));
    for (let at = 0; at < 1000; at++) expect(queue.take(1)[0]).toBe(at % 251);
  }
  for (let at = 0; at < 1000; at++) queue.push(Buffer.from([at % 251]));
  for (let at = 0; at < 700; at++) queue.skip(1);
  expect(queue.take(300)[299]).toBe(999 % 251);
});
