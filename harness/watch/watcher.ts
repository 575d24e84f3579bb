/**
 * Watches a product that is worked by hand: tells what it sees and what it still needs to see, lets the guests write
 * between backups, and compares restored servers with what the guests had at the snapshots that were taken.
 */
import type { ServerId } from '../../src/kernel/ids.ts';
import type { Capability } from '../driver/capabilities.ts';
import { compareImage, describeVerdict } from '../oracle/byte-oracle.ts';
import type { ExpectedImage } from '../oracle/guest-log.ts';
import { type Observation } from '../rules/observation.ts';
import { observe } from '../rules/observe.ts';
import { judgeLeaks, readWorldState } from '../runner/end-of-story.ts';
import type { Finding } from '../runner/outcome.ts';
import { snapshotInstant } from '../runner/snapshot-instant.ts';
import { fillDisks, stepWorkload } from '../runner/steps/guest-steps.ts';
import type { Story } from '../runner/story.ts';
import { type ChecklistItem, checklistOf } from './checklist.ts';
import { findBackups, findRestores, type SeenBackup, type SeenRestore } from './seen-jobs.ts';

export interface WatcherOptions {
  readonly story: Story;
  readonly capabilities?: ReadonlySet<Capability>;
  /** Told one line at a time. */
  readonly tell: (line: string) => void;
}

interface Snapshotted {
  readonly backup: SeenBackup;
  readonly images: ReadonlyMap<string, ExpectedImage | undefined>;
}

const WRITES = 6;

export class Watcher {
  readonly #story: Story;
  readonly #options: WatcherOptions;
  readonly #backups = new Map<string, Snapshotted>();
  readonly #restores = new Map<string, SeenRestore>();
  readonly #told = new Set<string>();
  readonly #findings: Finding[] = [];

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#story = options.story;
  }

  /** Fills the disks; from here on the harness knows every byte of them. */
  async begin(): Promise<void> {
    const story = this.#story;
    for (const { name, disks } of story.world.servers.list())
      for (const { deviceId, sizeBytes } of disks) story.log.addEmptyDisk(name, deviceId, sizeBytes);
    await fillDisks(story);
    story.before = readWorldState(story);
  }

  /** Looks at what has come since the last look. */
  async look(): Promise<readonly ChecklistItem[]> {
    const seen = this.#observe();
    for (const backup of findBackups(seen)) await this.#takeBackup(backup);
    for (const restore of findRestores(seen)) await this.#takeRestore(restore);
    const items = this.checklist(seen);
    for (const { text } of items.filter(({ isSeen }) => isSeen)) this.#tellOnce(text, `seen: ${text}`);
    const next = items.find(({ isSeen }) => !isSeen);
    if (next !== undefined) this.#tellOnce(`next ${next.text}`, `now:  ${next.text}`);
    return items;
  }

  checklist(seen: Observation = this.#observe()): readonly ChecklistItem[] {
    const { capabilities } = this.#options;
    return checklistOf(seen, {
      ...(capabilities === undefined ? {} : { capabilities }),
      nameOf: (id) => this.#nameOf(id),
      server: this.#story.server(undefined).name,
    });
  }

  /** Nothing is under way: no lock is held and no disk is attached. */
  get isIdle(): boolean {
    const { resources, hotAddedDisks, tasks } = readWorldState(this.#story);
    return resources.length === 0 && hotAddedDisks.length === 0 && tasks.length === 0;
  }

  /** What was wrong, left-overs included. */
  conclude(): readonly Finding[] {
    // Servers that the product restored are what it was asked for.
    for (const { server } of this.#restores.values()) this.#story.operator.made.add(server);
    return [...this.#findings, ...judgeLeaks(this.#story)];
  }

  get comparedBytes(): number {
    return this.#story.comparedBytes;
  }

  #observe(): Observation {
    const [login] = this.#story.world.credentials;
    const actors = login === undefined ? [] : [login.accessKey, login.username];
    return observe(this.#story.world.journal.entries, { actors });
  }

  async #takeBackup(backup: SeenBackup): Promise<void> {
    if (this.#backups.has(backup.snapshot)) return;
    const { log, world } = this.#story;
    const name = this.#nameOf(backup.server);
    const instant = snapshotInstant(world.journal.entries, backup.snapshot) ?? 0;
    const images = new Map(log.devices(name).map((device) => [device, log.imageAt(name, device, instant)]));
    this.#backups.set(backup.snapshot, { backup, images });
    const kind = backup.isIncremental ? 'incremental' : 'full';
    this.#options.tell(`      ${kind} backup of ${name} over ${backup.transport}`);
    await this.#write(name);
  }

  /** So that the next incremental has something to find. */
  async #write(name: string): Promise<void> {
    const { length } = this.#story.log;
    for (const disk of this.#story.log.devices(name))
      await stepWorkload(this.#story, {
        server: name,
        disk,
        kind: 'random',
        writes: WRITES,
        length: '64KiB',
      });
    this.#options.tell(`      the guest of ${name} made ${this.#story.log.length - length} writes`);
  }

  async #takeRestore(restore: SeenRestore): Promise<void> {
    if (this.#restores.get(restore.server)?.end === restore.end) return;
    this.#restores.set(restore.server, restore);
    const { servers } = this.#story.world;
    if (!servers.list().some(({ id }) => id === restore.server)) return;
    await this.#compare(restore.server as ServerId);
  }

  /** Which of the points a restore took, nobody has said: it must be one of them. */
  async #compare(id: ServerId): Promise<void> {
    const { world } = this.#story;
    const { name, disks } = world.servers.get(id);
    const sizes = disks.map(({ deviceId, sizeBytes }) => `${deviceId} ${sizeBytes}`).sort();
    let nearest: { readonly bytes: number; readonly text: string } | undefined;
    let total = 0;
    for (const { backup, images } of [...this.#backups.values()].reverse()) {
      const own = [...images].map(([device, image]) => `${device} ${image?.bytes.length}`).sort();
      if (own.join() !== sizes.join()) continue;
      const { wrong, text, compared } = await this.#differences(id, images);
      total = compared;
      if (wrong === 0) {
        this.#noteComparison(id, backup.snapshot, compared, 0);
        this.#options.tell(
          `      ${name} holds what ${this.#nameOf(backup.server)} held: ${compared} bytes equal`,
        );
        return;
      }
      if (nearest === undefined || wrong < nearest.bytes) nearest = { bytes: wrong, text };
    }
    const expected = `${name} with the content of one of the ${this.#backups.size} backups that were seen`;
    const actual = nearest === undefined ? 'disks of other sizes' : `${nearest.bytes} bytes in wrong sectors`;
    this.#findings.push({
      where: 'byte oracle',
      expected,
      actual,
      evidence: nearest === undefined ? [] : [nearest.text],
    });
    this.#noteComparison(id, '', total, nearest?.bytes ?? 0);
    this.#options.tell(`      WRONG: expected ${expected}; got ${actual}`);
  }

  async #differences(
    id: ServerId,
    images: Snapshotted['images'],
  ): Promise<{ wrong: number; compared: number; text: string }> {
    const verdicts = [];
    for (const [device, image] of images) {
      if (image === undefined) continue;
      verdicts.push(
        await compareImage(image, (offset, length) =>
          this.#story.world.guest.read(id, device, offset, length),
        ),
      );
    }
    return {
      wrong: verdicts.reduce((sum, { differingBytes }) => sum + differingBytes, 0),
      compared: verdicts.reduce((sum, { comparedBytes }) => sum + comparedBytes, 0),
      text: verdicts
        .filter(({ differingBytes }) => differingBytes > 0)
        .map(describeVerdict)
        .join('\n'),
    };
  }

  #noteComparison(server: string, point: string, bytes: number, differences: number): void {
    if (bytes === 0) return;
    this.#story.comparedBytes += bytes;
    this.#story.world.journal.append({ type: 'compared', what: 'server', point, server, bytes, differences });
  }

  #nameOf(id: string): string {
    return this.#story.world.servers.list().find((server) => server.id === id)?.name ?? id;
  }

  #tellOnce(key: string, line: string): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#options.tell(line);
  }
}
