/** All conformance rules, area by area in the order of `RULE_AREAS`, by number within. */
import { REQUEST_RULES } from './auth/request-rules.ts';
import { SESSION_RULES } from './auth/session-rules.ts';
import { HISTORY_RULES } from './cbt/history-rules.ts';
import { PAGE_RULES } from './cbt/page-rules.ts';
import { PROTECTION_RULES } from './cbt/protection-rules.ts';
import { TRACKING_RULES } from './cbt/tracking-rules.ts';
import { CLEAN_RULES } from './clean/clean-rules.ts';
import { DATA_RULES } from './data/data-rules.ts';
import { HOTADD_RULES } from './hotadd/hotadd-rules.ts';
import { HOLDING_RULES } from './lock/holding-rules.ts';
import { RENEWAL_RULES } from './lock/renewal-rules.ts';
import { LIMIT_RULES } from './limit/limit-rules.ts';
import { NBD_RULES } from './nbd/nbd-rules.ts';
import { RESTORE_RULES } from './restore/restore-rules.ts';
import type { Rule } from './rule-api.ts';
import { REMOVAL_RULES } from './snap/removal-rules.ts';
import { SNAPSHOT_RULES } from './snap/snapshot-rules.ts';

export const RULES: readonly Rule[] = [
  ...SESSION_RULES,
  ...REQUEST_RULES,
  ...TRACKING_RULES,
  ...HISTORY_RULES,
  ...PAGE_RULES,
  ...PROTECTION_RULES,
  ...SNAPSHOT_RULES,
  ...REMOVAL_RULES,
  ...RENEWAL_RULES,
  ...HOLDING_RULES,
  ...NBD_RULES,
  ...HOTADD_RULES,
  ...RESTORE_RULES,
  ...CLEAN_RULES,
  ...LIMIT_RULES,
  ...DATA_RULES,
];
