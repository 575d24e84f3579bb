/** Engines that are caught by rules, many of them by nothing else: what they do is right in the end. */
import { CALL_CONDUCT_MUTANTS } from './call-conduct-mutants.ts';
import { HOTADD_CONDUCT_MUTANTS } from './hotadd-conduct-mutants.ts';
import type { Mutant } from './mutant.ts';
import { NBD_CONDUCT_MUTANTS } from './nbd-conduct-mutants.ts';
import { TRANSFER_MUTANTS } from './transfer-mutants.ts';

export const CONDUCT_MUTANTS: readonly Mutant[] = [
  ...CALL_CONDUCT_MUTANTS,
  ...NBD_CONDUCT_MUTANTS,
  ...TRANSFER_MUTANTS,
  ...HOTADD_CONDUCT_MUTANTS,
];
