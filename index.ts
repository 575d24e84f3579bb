/**
 * backlot as a library: the simulator in one's own process, the reference engine, and what both stand on.
 *
 * `createSimulator` gives worlds without a socket; `createEngine` is the engine of `backlot backup`. With a
 * `VirtualClock` the two run a day of backups in milliseconds. `defineConformanceSuite` has the scenarios and rules as
 * tests of your own. The NBD client alone is `backlot/nbd`.
 */
export { createEngine } from './src/engine/create-engine.ts';
export type {
  BackupJob,
  BackupResult,
  CleanupResult,
  Engine,
  EngineEnvironment,
  EngineOptions,
  RestoreJob,
  RestoreResult,
} from './src/engine/engine-api.ts';
export type {
  ConnectProxy,
  GuestBlockDevice,
  OpenDisk,
  ProxyAddress,
  ProxyAgent,
} from './src/engine/proxy-agent.ts';
export { type Clock, sleep } from './src/kernel/clock.ts';
export { createIdSource, type IdSource } from './src/kernel/ids.ts';
export { Journal, type JournalEntry, type JournalEvent, toJsonLine } from './src/kernel/journal.ts';
export { createRng, type Rng } from './src/kernel/rng.ts';
export { VirtualClock } from './src/kernel/virtual-clock.ts';
export { syncCodec } from './src/repository/codec.ts';
export { createRepository } from './src/repository/create-repository.ts';
export { MemoryStorage } from './src/repository/memory-storage.ts';
export type { Repository } from './src/repository/repository-api.ts';
export type { Storage } from './src/repository/storage.ts';
export { createFolderStorage } from './src/runtime/folder-storage.ts';
export { connectGuestFolder } from './src/runtime/guest-folder-agent.ts';
export { createUndiciTransport } from './src/runtime/undici-transport.ts';
export { createWallClock } from './src/runtime/wall-clock.ts';
export type { HttpTransport } from './src/sdk/http-transport.ts';
export {
  ConformanceFailure,
  type ConformanceSuiteOptions,
  defineConformanceSuite,
} from './src/library/define-conformance-suite.ts';
export { connectGuests } from './harness/runner/connect-guests.ts';
export { createSimulator } from './simulator/app/simulator.ts';
export type { HostedWorld, Simulator, WorldSpec } from './simulator/app/simulator-api.ts';
export type { InventorySpec } from './simulator/domain/inventory.ts';
export type { FaultSpec } from './simulator/fault/fault-api.ts';
export { parseInventory } from './simulator/inventory/parse-inventory.ts';
