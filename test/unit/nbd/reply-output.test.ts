import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { createStreamOutput } from '../../../simulator/nbd/reply-output.ts';

it('tells of bytes that have left, not of bytes that could not', async () => {
  let writes = 0;
  const stream = new Duplex({
    read: () => undefined,
    write: (_bytes, _encoding, done) => done(++writes === 1 ? null : new Error('the client is gone')),
  });
  const broken = new Promise<Error>((resolve) => stream.on('error', resolve));
  const output = createStreamOutput(stream, () => undefined);
  const sent: string[] = [];
  output.write(Buffer.from('one'), () => sent.push('one'));
  output.write(Buffer.from('two'), () => sent.push('two'));
  output.write(Buffer.from('three'), () => sent.push('three'));
  expect((await broken).message).toBe('the client is gone');
  expect(sent).toEqual(['one']);
});
