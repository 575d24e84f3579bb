import type { Rule } from '../rule-api.ts';
import { HOTADD_CALL_RULES } from './call-rules.ts';
import { HOTADD_GUEST_RULES } from './guest-rules.ts';
import { HOTADD_PROXY_RULES } from './proxy-rules.ts';

export const HOTADD_RULES: readonly Rule[] = [
  ...HOTADD_CALL_RULES,
  ...HOTADD_GUEST_RULES,
  ...HOTADD_PROXY_RULES,
];
