/** All conformance rules, area by area in the order of `RULE_AREAS`, by number within. */
import { REQUEST_RULES } from './auth/request-rules.ts';
import { SESSION_RULES } from './auth/session-rules.ts';
import { HISTORY_RULES } from './cbt/history-rules.ts';
import { PAGE_RULES } from './cbt/page-rules.ts';
import { TRACKING_RULES } from './cbt/tracking-rules.ts';
import { HOLDING_RULES } from './lock/holding-rules.ts';
import { RENEWAL_RULES } from './lock/renewal-rules.ts';
import { NBD_RULES } from './nbd/nbd-rules.ts';
import type { Rule } from './rule-api.ts';
import { REMOVAL_RULES } from './snap/removal-rules.ts';
import { SNAPSHOT_RULES } from './snap/snapshot-rules.ts';

export const RULES: readonly Rule[] = [
  ...SESSION_RULES,
  ...REQUEST_RULES,
  ...TRACKING_RULES,
  ...HISTORY_RULES,
  ...PAGE_RULES,
  ...SNAPSHOT_RULES,
  ...REMOVAL_RULES,
  ...RENEWAL_RULES,
  ...HOLDING_RULES,
  ...NBD_RULES,
];
