import type { OpenDisk } from '../../../src/engine/proxy-agent.ts';

/** What an open disk tells of itself, where a test does not care. */
export const DISK_INFO: OpenDisk['info'] = {
  sizeBytes: 4096,
  isReadOnly: false,
  flags: 0,
  minBlockBytes: 1,
  preferredBlockBytes: 4096,
  maxBlockBytes: 4096,
  metaContexts: [],
};
