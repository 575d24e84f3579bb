/** On what a run was played, for its report. */
import type { Environment } from '../../harness/report/report.ts';
import { packageVersion } from './package-version.ts';

export function environmentOf(engine: string, time: string): Environment {
  const { version: node, platform, arch } = process;
  return { backlot: packageVersion(), node, platform: `${platform} ${arch}`, time, engine };
}
