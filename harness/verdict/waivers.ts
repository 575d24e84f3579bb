/** Rules for whose violation somebody has signed, until a day. */
import { type Static, Type } from 'typebox';
import { createSchemaCheck, type Problem, readCheckedYaml } from '../driver/checked-yaml.ts';
import { FileInvalid } from '../driver/declaration.ts';
import type { RuleId, RuleVerdict } from '../rules/rule-api.ts';

const closed = { additionalProperties: false } as const;

const Waiver = Type.Object(
  {
    rule: Type.String({ pattern: '^[A-Z]+-\\d+$', description: 'Id of a rule: LOCK-2' }),
    reason: Type.String({ minLength: 10, description: 'Why the rule may be broken' }),
    owner: Type.String({ minLength: 1, description: 'Who has signed' }),
    expires: Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}$',
      description: 'The last day on which it counts: 2027-03-31',
    }),
  },
  closed,
);
export type Waiver = Static<typeof Waiver>;

export const WaiversSchema = Type.Object(
  { waivers: Type.Array(Waiver, { minItems: 1 }) },
  { ...closed, title: 'backlot waivers', description: 'Rules that an engine may break, and who has signed' },
);

const check = createSchemaCheck(WaiversSchema);

/** @throws FileInvalid, also for a rule that does not exist or is waived twice */
export function parseWaivers(text: string, file: string, rules: ReadonlySet<string>): readonly Waiver[] {
  const { value, problems } = readCheckedYaml(text, file, (document) => {
    const wrong = check(document);
    return wrong.length > 0 ? wrong : senseless(document as Static<typeof WaiversSchema>, rules);
  });
  if (problems.length > 0) throw new FileInvalid(problems);
  return (value as Static<typeof WaiversSchema>).waivers;
}

function senseless(
  { waivers }: { waivers: readonly Waiver[] },
  rules: ReadonlySet<string>,
): readonly Problem[] {
  const named = new Set<string>();
  return waivers.flatMap(({ rule, expires }, at): Problem[] => {
    const path = ['waivers', at];
    const isAgain = named.has(rule);
    named.add(rule);
    return [
      ...(rules.has(rule)
        ? []
        : [
            {
              path: [...path, 'rule'],
              message: `there is no rule ${rule}; "backlot list rules" has them all`,
            },
          ]),
      ...(isAgain ? [{ path: [...path, 'rule'], message: `${rule} is waived already` }] : []),
      ...(isDay(expires)
        ? []
        : [{ path: [...path, 'expires'], message: `${expires} is no day of the calendar` }]),
    ];
  });
}

/** Without a clock: the calendar is the same everywhere. */
function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return day >= 1 && day <= (lengths[month - 1] ?? 0);
}

/** `used`: the rule is broken, and it counts. `needless`: the rule is kept. `unseen`: nothing exercised the rule. */
export interface WaiverVerdict extends Waiver {
  readonly state: 'used' | 'needless' | 'unseen' | 'expired';
  readonly sentence: string;
}

/** Rules whose waivers count on the day `today` (`2026-11-23`). */
export function waivedRules(waivers: readonly Waiver[], today: string): ReadonlySet<RuleId> {
  return new Set(waivers.filter(({ expires }) => today <= expires).map(({ rule }) => rule as RuleId));
}

export function judgeWaivers(
  waivers: readonly Waiver[],
  verdicts: readonly RuleVerdict[],
  today: string,
): readonly WaiverVerdict[] {
  return waivers.map((waiver) => {
    const verdict = verdicts.find(({ rule }) => rule === waiver.rule);
    const state = stateOf(waiver, verdict, today);
    return { ...waiver, state, sentence: describe(waiver, state) };
  });
}

function stateOf(
  { expires }: Waiver,
  verdict: RuleVerdict | undefined,
  today: string,
): WaiverVerdict['state'] {
  if (today > expires) return 'expired';
  if (verdict?.outcome === 'waived' || verdict?.outcome === 'violated') return 'used';
  return verdict?.outcome === 'passed' ? 'needless' : 'unseen';
}

function describe({ rule, owner, reason, expires }: Waiver, state: WaiverVerdict['state']): string {
  switch (state) {
    case 'used':
      return `${rule} is broken, and waived by ${owner} until ${expires}: ${reason}`;
    case 'needless':
      return `${rule} is kept: the waiver of ${owner} can go`;
    case 'unseen':
      return `${rule} is waived by ${owner}, and nothing exercised it`;
    case 'expired':
      return `the waiver of ${rule} by ${owner} expired on ${expires}: mend the engine or sign anew`;
  }
}
