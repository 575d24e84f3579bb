/** Engines and platforms that do HotAdd wrong. */
import { HOTADD_CALL_MUTANTS } from './hotadd-call-mutants.ts';
import { HOTADD_GUEST_MUTANTS } from './hotadd-guest-mutants.ts';
import { HOTADD_SIMULATOR_MUTANTS } from './hotadd-simulator-mutants.ts';
import type { Mutant } from './mutant.ts';

export const HOTADD_MUTANTS: readonly Mutant[] = [
  ...HOTADD_CALL_MUTANTS,
  ...HOTADD_GUEST_MUTANTS,
  ...HOTADD_SIMULATOR_MUTANTS,
];
