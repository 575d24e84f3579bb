/** All conformance rules, area by area in the order of `RULE_AREAS`, by number within. */
import { NBD_RULES } from './nbd/nbd-rules.ts';
import type { Rule } from './rule-api.ts';

export const RULES: readonly Rule[] = [...NBD_RULES];
