import type { Rule } from '../rule-api.ts';
import { NBD_ANSWER_RULES } from './answer-rules.ts';
import { NBD_HANDSHAKE_RULES } from './handshake-rules.ts';
import { NBD_REQUEST_RULES } from './request-rules.ts';

export const NBD_RULES: readonly Rule[] = [...NBD_HANDSHAKE_RULES, ...NBD_REQUEST_RULES, ...NBD_ANSWER_RULES];
