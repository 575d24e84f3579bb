/** What the guests write. Everything goes into the log first, then to the disk. */
import { StorageError } from '../../../simulator/domain/storage-state.ts';
import type { Story } from '../story.ts';
import { parseSize } from '../quantities.ts';
import type { StepBodies } from '../scenario-schema.ts';

type Range = StepBodies['write'];

interface Place {
  readonly id: string;
  readonly name: string;
  readonly device: string;
  readonly offset: number;
  readonly length: number;
}

export async function stepWrite(story: Story, range: Range): Promise<void> {
  await writeData(story, place(story, range));
}

export async function stepZero(story: Story, range: Range): Promise<void> {
  const { id, name, device, offset, length } = place(story, range);
  story.log.zero(name, device, offset, length, story.position);
  await ifStored(story, { name, device }, () => story.world.guest.zero(id, device, offset, length));
}

export async function stepTrim(story: Story, range: Range): Promise<void> {
  await trimBlocks(story, place(story, range));
}

/** Many writes drawn from the story's seed. Trims take whole blocks. */
export async function stepWorkload(story: Story, body: StepBodies['workload']): Promise<void> {
  const server = story.server(body.server);
  const disk = server.disks.find(({ deviceId }) => deviceId === body.disk) ?? server.disks[0];
  if (disk === undefined) throw new Error(`server ${server.name} has no disk`);
  const block = story.world.settings.granularityBytes;
  const unit = body.kind === 'trim' ? block : 512;
  const length = Math.min(Math.ceil(parseSize(body.length) / unit) * unit, disk.sizeBytes);
  const rng = story.rng.fork(`workload-${story.log.length}`);
  const places = Math.floor((disk.sizeBytes - length) / unit);
  // The hot spot is a sixteenth of the disk; four writes of five go there.
  const hotFirst = rng.int(0, Math.max(0, places - Math.ceil(places / 16)));
  for (let count = 0; count < body.writes; count++) {
    const isHot = body.kind === 'hotspot' && rng.int(1, 5) > 1;
    const at =
      body.kind === 'sequential'
        ? Math.floor((count * length) / unit) % (places + 1)
        : isHot
          ? Math.min(places, hotFirst + rng.int(0, Math.ceil(places / 16)))
          : rng.int(0, places);
    const target = { id: server.id, name: server.name, device: disk.deviceId, offset: at * unit, length };
    if (body.kind === 'trim') await trimBlocks(story, target);
    else await writeData(story, target);
  }
}

/** Writes what the disks hold before the story begins, run by run. */
export async function fillDisks(story: Story): Promise<void> {
  for (const server of story.scenario.world.servers) {
    for (const { slot, size, content } of server.disks) {
      if (content === undefined) continue;
      const { id, name } = story.server(server.name);
      const rng = story.rng.fork(`fill-${name}-${slot}`);
      const sizeBytes = parseSize(size);
      const run = parseSize(content.run ?? DEFAULT_RUN);
      for (let offset = 0; offset < sizeBytes; offset += run) {
        const length = Math.min(run, sizeBytes - offset);
        // The first run is always there: a disk that is meant to hold data is never empty by chance.
        if (offset === 0 || rng.float() < content.allocated)
          await writeData(story, { id, name, device: slot, offset, length });
      }
    }
  }
}

const DEFAULT_RUN = '128KiB';

async function writeData(story: Story, { id, name, device, offset, length }: Place): Promise<void> {
  const bytes = story.log.write(name, device, offset, length, story.position);
  await ifStored(story, { name, device }, () => story.world.guest.write(id, device, offset, bytes));
}

async function trimBlocks(story: Story, { id, name, device, offset, length }: Place): Promise<void> {
  story.log.trim(name, device, offset, length, story.position);
  await ifStored(story, { name, device }, () => story.world.guest.trim(id, device, offset, length));
}

/** Under attack a datastore may refuse what a guest writes; the guest then knows that it is not there. */
async function ifStored(
  story: Story,
  { name, device }: Pick<Place, 'name' | 'device'>,
  work: () => void | Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (story.survival === undefined || !(error instanceof StorageError)) throw error;
    story.log.takeBack(name, device);
  }
}

function place(story: Story, range: Range): Place {
  const server = story.server(range.server);
  return {
    id: server.id,
    name: server.name,
    device: range.disk ?? server.disks[0]?.deviceId ?? '',
    offset: parseSize(range.at),
    length: parseSize(range.length),
  };
}
