import { CONDUCT_MUTANTS } from './conduct-mutants.ts';
import type { Mutant } from './mutant.ts';
import { DATA_PATH_MUTANTS } from './data-path-mutants.ts';
import { FAILURE_PATH_MUTANTS } from './failure-path-mutants.ts';
import { HOLDING_MUTANTS } from './holding-mutants.ts';
import { HOTADD_MUTANTS } from './hotadd-mutants.ts';
import { LEFTOVER_MUTANTS } from './leftover-mutants.ts';
import { REPOSITORY_MUTANTS } from './repository-mutants.ts';
import { SESSION_MUTANTS } from './session-mutants.ts';
import { SIMULATOR_MUTANTS } from './simulator-mutants.ts';
import { TRACKING_MUTANTS } from './tracking-mutants.ts';
import { TRANSPORT_MUTANTS } from './transport-mutants.ts';

/** All mutants, each with the scenarios that must find it out. */
export const MUTANTS: readonly Mutant[] = [
  ...SESSION_MUTANTS,
  ...TRACKING_MUTANTS,
  ...HOLDING_MUTANTS,
  ...TRANSPORT_MUTANTS,
  ...DATA_PATH_MUTANTS,
  ...REPOSITORY_MUTANTS,
  ...FAILURE_PATH_MUTANTS,
  ...LEFTOVER_MUTANTS,
  ...SIMULATOR_MUTANTS,
  ...HOTADD_MUTANTS,
  ...CONDUCT_MUTANTS,
];
