/** Reads a journal once and gives what rules look at. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { serverNames } from './name-servers.ts';
import { createCallIndex } from './observe-calls.ts';
import { createJobIndex } from './observe-jobs.ts';
import { createLifeIndex } from './observe-lives.ts';
import { createLockIndex } from './observe-locks.ts';
import { createNbdIndex } from './observe-nbd.ts';
import { findWalks } from './observe-walks.ts';
import type { FaultStrike, Observation } from './observation.ts';

export interface ObserveOptions {
  /** Names under which the judged engines log in. Default: those of the jobs; else everybody who calls. */
  readonly actors?: readonly string[];
}

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;

/** Rules and questions of other kinds look at the same journal one after the other. */
let last: Observation | undefined;

export function observe(journal: readonly JournalEntry[], options?: ObserveOptions): Observation {
  if (options !== undefined) return readJournal(journal, options);
  if (last?.entries !== journal || last.end.n !== journal.at(-1)?.n) last = readJournal(journal, {});
  return last;
}

function readJournal(journal: readonly JournalEntry[], options: ObserveOptions): Observation {
  const actors = new Set(options.actors ?? actorsOf(journal));
  const faults: FaultStrike[] = [];
  const calls = createCallIndex(actors);
  const jobs = createJobIndex(actors);
  const locks = createLockIndex(actors);
  const lives = createLifeIndex(actors);
  const nbd = createNbdIndex();
  const plain = {
    guestDevices: [] as Entry<'guest.device'>[],
    guestIo: [] as Entry<'guest.io'>[],
    guestWrites: [] as Entry<'guest.write'>[],
    states: [] as Entry<'state'>[],
    comparisons: [] as Entry<'compared'>[],
  };
  for (const entry of journal) {
    switch (entry.type) {
      case 'rest.request':
        calls.request(entry);
        break;
      case 'rest.reply': {
        const call = calls.reply(entry);
        if (call !== undefined) lives.answered(call);
        break;
      }
      case 'fault.fired': {
        const strike = strikeOf(entry);
        faults.push(strike);
        calls.strike(strike);
        break;
      }
      case 'task':
        lives.task(entry);
        break;
      case 'state':
        if (entry.entity === 'backup-resource') locks.state(entry);
        else if (!lives.state(entry)) plain.states.push(entry);
        break;
      case 'job':
        jobs.add(entry);
        break;
      case 'compared':
        if (jobs.areTheirs(entry)) plain.comparisons.push(entry);
        break;
      case 'guest.device':
        plain.guestDevices.push(entry);
        break;
      case 'guest.io':
        plain.guestIo.push(entry);
        break;
      case 'guest.write':
        plain.guestWrites.push(entry);
        break;
      case 'nbd.open':
        nbd.open(entry);
        break;
      case 'nbd.option':
        nbd.option(entry);
        break;
      case 'nbd.request':
        nbd.request(entry);
        break;
      case 'nbd.reply':
        nbd.reply(entry);
        break;
      case 'nbd.close':
        nbd.close(entry);
        break;
      default:
    }
  }
  const snapshots = lives.snapshots(calls.all);
  calls.nameServers(serverNames({ calls: calls.all, tasks: lives.tasks, snapshots }));
  const resources = locks.resources(calls.all);
  const last = journal.at(-1);
  return {
    readings: new Map(),
    entries: journal,
    actors,
    jobs: jobs.all,
    calls: calls.all,
    tasks: lives.tasks,
    snapshots,
    resources,
    hotAdded: lives.hotAdded(calls.all),
    tokens: lives.tokens(calls.all),
    walks: findWalks(calls.all, snapshots),
    connections: nbd.connections(resources),
    ...plain,
    faults,
    end: { n: last?.n ?? 0, t: last?.t ?? 0 },
  };
}

function actorsOf(journal: readonly JournalEntry[]): readonly string[] {
  const ofJobs = new Set<string>();
  const ofCalls = new Set<string>();
  for (const entry of journal) {
    if (entry.type === 'job' && entry.actor !== undefined) ofJobs.add(entry.actor);
    if (entry.type === 'rest.request' && entry.actor !== 'anonymous') ofCalls.add(entry.actor);
  }
  return [...(ofJobs.size > 0 ? ofJobs : ofCalls)];
}

function strikeOf({ n, t, fault, kind, at, count }: Entry<'fault.fired'>): FaultStrike {
  return { n, t, fault, kind, at, count, on: at.split(' ')[0] ?? at };
}
