import { describe, expect, it } from 'vitest';
import { parseScenario, ScenarioInvalid } from '../../../harness/runner/parse-scenario.ts';

const GOOD = `id: S900-example
title: An example for the parser
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world:
  servers:
    - name: vm1
      disks: [{ slot: ide0, size: 1MiB+512 }]
steps:
  - write: { at: 0, length: 64KiB }
  - backup: {}
`;

function problemsOf(text: string): readonly string[] {
  try {
    parseScenario(text, 'x.yaml');
  } catch (error) {
    if (error instanceof ScenarioInvalid) return error.problems;
    throw error;
  }
  return [];
}

describe('scenario parser', () => {
  it('reads a good scenario', () => {
    const scenario = parseScenario(GOOD, 'x.yaml');
    expect(scenario.id).toBe('S900-example');
    expect(scenario.steps).toHaveLength(2);
  });

  it.each([
    ['broken YAML', GOOD.replace('title: An', 'title: [An'), /^x\.yaml:\d+:\d+ /],
    [
      'a strange field',
      GOOD.replace('why:', 'whi: x\nwhy:'),
      /^x\.yaml:4:1 whi: is not a word of this place$/,
    ],
    [
      'a strange step',
      GOOD.replace('backup: {}', 'bakcup: {}'),
      /^x\.yaml:11:5 steps\.1\.bakcup: is not a word/,
    ],
    ['a missing field', GOOD.replace(/^rule.*\n/m, ''), /^x\.yaml:1:1 scenario: lacks \["rule"\]$/],
    ['a bad id', GOOD.replace('S900-example', 'example'), /^x\.yaml:1:1 id: must match pattern/],
    [
      'a bad size',
      GOOD.replace('64KiB', '64Kib'),
      /^x\.yaml:10:21 steps\.0\.write\.length: must match pattern/,
    ],
    [
      'a bad choice',
      GOOD.replace('backup: {}', 'cbt: { set: on }'),
      /^x\.yaml:11:12 steps\.1\.cbt\.set: must be one of/,
    ],
    [
      'a step of two kinds',
      GOOD.replace('backup: {}', 'backup: {}\n    advance: 1s'),
      /^x\.yaml:11:5 steps\.1: /,
    ],
    [
      'an unknown disk',
      GOOD.replace('{ at: 0', '{ disk: ide7, at: 0'),
      /^x\.yaml:10:14 steps\.0\.write\.disk: there is no disk ide7$/,
    ],
    [
      'an unknown server',
      GOOD.replace('{ at: 0', '{ server: vm7, at: 0'),
      /steps\.0\.write\.server: no server is called vm7/,
    ],
    [
      'a write beyond the end',
      GOOD.replace('at: 0', 'at: 1MiB'),
      /^x\.yaml:10:24 steps\.0\.write\.length: ends at 1114112, the disk at 1049088$/,
    ],
    [
      'a trim of part of a block',
      GOOD.replace('write: { at: 0', 'trim: { at: 512'),
      /steps\.0\.trim: a trim must consist of whole blocks of 65536 bytes/,
    ],
    [
      'a fault without its number',
      GOOD.replace('backup: {}', 'fault: { id: f, on: nbd, kind: drop-after-bytes }'),
      /steps\.1\.fault\.bytes: is needed by drop-after-bytes/,
    ],
    [
      'a fault with a foreign field',
      GOOD.replace('backup: {}', 'fault: { id: f, on: nbd, kind: lose-reply, flaw: expired }'),
      /steps\.1\.fault\.flaw: does not belong to lose-reply/,
    ],
    [
      'a fault on an unknown operation',
      GOOD.replace('backup: {}', 'fault: { id: f, on: snapshot.create, kind: lose-reply }'),
      /^x\.yaml:11:21 steps\.1\.fault\.on: no operation is called snapshot\.create/,
    ],
    [
      'a journal expectation of an unknown operation',
      `${GOOD}expect: { journal: [{ match: { operation: cbt.areas } }] }\n`,
      /expect\.journal\.0\.match\.operation: no operation is called cbt\.areas/,
    ],
    [
      'a fault in the guest without its number',
      GOOD.replace('backup: {}', 'fault: { id: f, on: guest, kind: device-serial }'),
      /steps\.1\.fault\.characters: is needed by device-serial/,
    ],
    [
      'an unknown proxy',
      GOOD.replace('backup: {}', 'hotAdd: { proxy: proxy-7 }'),
      /^x\.yaml:11:15 steps\.1\.hotAdd\.proxy: no proxy is called proxy-7$/,
    ],
    [
      'a proxy with the name of a server',
      GOOD.replace('steps:', '  proxies: [{ name: vm1 }]\nsteps:'),
      /^x\.yaml:9:15 world\.proxies\.0\.name: vm1 is there already$/,
    ],
    [
      'a proxy on a host that is not there',
      GOOD.replace('steps:', '  proxies: [{ name: p, host: 3 }]\nsteps:'),
      /world\.proxies\.0\.host: there are 2 hosts/,
    ],
    [
      'an unknown datastore',
      GOOD.replace('size: 1MiB', 'datastore: far, size: 1MiB'),
      /world\.servers\.0\.disks\.0\.datastore: no datastore is called far/,
    ],
    [
      'a server that does not reach its datastore',
      GOOD.replace('steps:', '  datastores: [{ name: far, hosts: [2] }]\nsteps:'),
      /world\.servers\.0.*: host 1 of vm1 does not reach far/,
    ],
    [
      'an unknown disk in what is prepared',
      GOOD.replace('steps:', 'prepare:\n  - write: { disk: ide7, at: 0, length: 512 }\nsteps:'),
      /^x\.yaml:10:14 prepare\.0\.write\.disk: there is no disk ide7$/,
    ],
    [
      'a strange step in what is prepared',
      GOOD.replace('steps:', 'prepare: [{ backup: {} }, { bakcup: {} }]\nsteps:'),
      /^x\.yaml:9:29 prepare\.1\.bakcup: is not a word/,
    ],
    [
      'a preparation without steps',
      GOOD.replace('steps:', 'prepare: []\nsteps:'),
      /^x\.yaml:9:1 prepare: must not have fewer than 1 items$/,
    ],
    [
      'a trigger of nothing',
      GOOD.replace('backup: {}', 'waitFor: { nth: 2 }'),
      /steps\.1\.waitFor: needs one of/,
    ],
  ])('tells the place of %s', (_what, text, problem) => {
    const problems = problemsOf(text);
    expect(problems[0]).toMatch(problem);
  });
});
