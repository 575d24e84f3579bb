import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { CliError } from '../../../src/cli/cli-error.ts';
import {
  addProxyMachineFlags,
  type ProxyMachineFlags,
  proxyMachineOf,
} from '../../../src/cli/proxy-machine-flags.ts';

function parse(...words: string[]): ProxyMachineFlags {
  const command = addProxyMachineFlags(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return command.parse(words, { from: 'user' }).opts();
}

describe('flags of the machines', () => {
  it('say what a proxy is like', () => {
    const flags = parse(
      '--proxy-image',
      '/images/vendor.qcow2',
      '--proxy-memory',
      '4096',
      '--proxy-cpus',
      '4',
    );
    expect(proxyMachineOf(flags, 'qemu')).toEqual({
      proxyImage: '/images/vendor.qcow2',
      machine: { cacheFolder: expect.stringMatching(/backlot$/), memoryMb: 4096, cpus: 4 },
    });
    const more = parse('--proxy-accel', 'kvm', '--proxy-network', 'off');
    expect(proxyMachineOf(more, 'qemu').machine).toMatchObject({ accelerator: 'kvm', hasNetwork: false });
  });

  it('are nothing to the other levels', () => {
    expect(proxyMachineOf(parse(), 'socket')).toEqual({});
    expect(() => proxyMachineOf(parse('--proxy-network', 'off'), 'fuse')).toThrow(CliError);
    expect(() => proxyMachineOf(parse('--proxy-image', 'a.img'), undefined)).toThrow(
      /--proxy-image is for --guest qemu/,
    );
  });

  it.each([
    ['--proxy-memory', '0'],
    ['--proxy-cpus', 'two'],
    ['--proxy-accel', 'hvf'],
    ['--proxy-network', 'yes'],
  ])('%s is not %s', (flag, value) => {
    expect(() => parse(flag, value)).toThrow(/argument|choices/i);
  });
});
