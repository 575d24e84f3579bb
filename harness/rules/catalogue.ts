/** All conformance rules, area by area in the order of `RULE_AREAS`, by number within. */
import type { Rule } from './rule-api.ts';

export const RULES: readonly Rule[] = [];
