import { describe, expect, it } from 'vitest';
import { findServers, type ServerChoice } from '../../../harness/live/choose-servers.ts';
import { createReadingClient } from '../../../harness/live/live-client.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { createRig } from '../../integration/engine/rig.ts';

/** Names of those chosen on a platform where `erp-02` and `erp-03` are tagged `spare`. */
async function chosen(choice: ServerChoice): Promise<readonly string[]> {
  await using rig = await createRig({ servers: ['erp-01', 'erp-02', 'erp-03'] });
  const { transport } = rig.simulator;
  const tagging: typeof transport = {
    ...transport,
    async send(request, signal) {
      const reply = await transport.send(request, signal);
      if (!/\/servers\?/.test(request.path)) return reply;
      const answer = JSON.parse(reply.body) as { data: { data: { name: string; tags: unknown }[] } };
      for (const item of answer.data.data)
        item.tags = item.name === 'erp-01' ? [] : [{ id: 'tag-1', name: 'spare' }];
      return { ...reply, body: JSON.stringify(answer) };
    },
  };
  const ids = createIdSource(createRng('choice'));
  const access = { transport: tagging, credentials: rig.credentials('ec2'), clock: rig.clock, ids };
  const found = await rig.run(findServers(createReadingClient(access), access, choice));
  return found.map(({ name }) => name).sort();
}

describe('the servers of a live run', () => {
  it('are those that are named and those that bear a tag, each once', async () => {
    expect(await chosen({ names: ['erp-01', 'erp-02'], tags: ['spare'] })).toEqual([
      'erp-01',
      'erp-02',
      'erp-03',
    ]);
    expect(await chosen({ names: [], tags: ['spare'] })).toEqual(['erp-02', 'erp-03']);
  });

  it('are never guessed: a name or a tag that nobody has is refused', async () => {
    await expect(chosen({ names: ['erp'], tags: [] })).rejects.toThrow('no server is called erp');
    await expect(chosen({ names: [], tags: ['spar'] })).rejects.toThrow('no server bears the tag spar');
  });
});
