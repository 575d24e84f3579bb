/** `backlot explain` and `backlot judge`: what the rules are, and what they say of a recorded journal. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Capability } from '../../harness/driver/capabilities.ts';
import { FileInvalid, parseDeclaration } from '../../harness/driver/declaration.ts';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { renderJudgement } from '../../harness/report/judgement.ts';
import { reportRules } from '../../harness/report/reported-rule.ts';
import { RULES } from '../../harness/rules/catalogue.ts';
import { explainRule } from '../../harness/rules/explain-rule.ts';
import { judgeRules } from '../../harness/rules/judge-rules.ts';
import { observe } from '../../harness/rules/observe.ts';
import type { Rule, RuleFinding } from '../../harness/rules/rule-api.ts';
import { runOnce } from '../../harness/runner/run-once.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { CliError, EXIT } from './cli-error.ts';
import { readJournal } from './recorded-journal.ts';
import { shippedScenarios } from './scenario-folder.ts';

interface ExplainFlags {
  readonly example: boolean;
  readonly json?: boolean;
}

interface JudgeFlags {
  readonly actor?: readonly string[];
  readonly capabilities?: string;
  readonly json?: boolean;
}

export function registerRuleCommands(program: Command): void {
  program
    .command('explain')
    .description('print a rule in full: why it is there, what breaks, how to mend it, and an example')
    .argument('<rule>', 'its id, such as LOCK-1; "backlot list rules" has them all')
    .option('--no-example', 'without playing an engine that breaks it')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  backlot explain LOCK-1\n  backlot explain CBT-7 --json --no-example',
    )
    .action(explain);
  program
    .command('judge')
    .description('hold a recorded journal against all rules')
    .argument('<journal>', 'a file with one entry per line')
    .option('--actor <name...>', 'user names or access keys of the product (default: of its jobs, else all)')
    .option('--capabilities <file>', 'what the product can do; rules for what it can not do are left out')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', JUDGE_HELP)
    .action(judge);
}

const JUDGE_HELP = `
A journal comes from a running simulator (GET /_backlot/v1/worlds/default/journal), from "backlot replay --journal FILE",
or from whatever records a product at work. "backlot list schema journal" describes its lines.

Examples:
  curl -s http://127.0.0.1:4480/_backlot/v1/worlds/default/journal > run.ndjson
  backlot judge run.ndjson
  backlot judge run.ndjson --actor backup-svc --capabilities backlot-engine.yaml --json
Exit codes: 0 no must was violated, 1 one was, or nothing was there to judge, 2 the file can not be judged.`;

async function explain(id: string, flags: ExplainFlags): Promise<void> {
  const rule = RULES.find((one) => one.id === id.toUpperCase());
  if (rule === undefined) throw unknownRule(id);
  const example = flags.example ? await exampleOf(rule) : undefined;
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ ...rule, ...(example === undefined ? {} : { example }) })}\n`
      : `${explainRule(rule, example)}\n`,
  );
}

function unknownRule(id: string): CliError {
  const area = /^[a-z]+/i.exec(id)?.[0].toUpperCase() ?? '';
  const near = RULES.filter((rule) => rule.id.startsWith(`${area}-`)).map((rule) => rule.id);
  const advice = near.length > 0 ? `Of ${area} there are ${near.join(', ')}.` : 'Try "backlot list rules".';
  return new CliError('usage', `there is no rule ${id}`, advice);
}

/** The first of its mutants at work. */
async function exampleOf(rule: Rule): Promise<RuleFinding | undefined> {
  const mutant = MUTANTS.find(({ id }) => id === rule.mutants[0]);
  const scenario = shippedScenarios().find(({ id }) => id === mutant?.killers[0]);
  if (mutant === undefined || scenario === undefined) return undefined;
  await using simulator = await createSimulator();
  const transport = mutant.engine ?? scenario.engines?.[0] ?? 'nbd';
  const { journal } = await runOnce({ simulator, scenario, transport, seed: '1', seams: mutant.seams() });
  const names = { scenario: scenario.id, engine: `the mutant "${mutant.id}"` };
  return judgeRules(observe(journal), { rules: [rule], ...names })[0]?.violations[0];
}

async function judge(file: string, flags: JudgeFlags): Promise<void> {
  const journal = readJournal(file);
  const seen = observe(journal, flags.actor === undefined ? {} : { actors: flags.actor });
  const capabilities = capabilitiesIn(flags.capabilities);
  const verdicts = judgeRules(seen, {
    rules: RULES,
    scenario: basename(file),
    engine: [...seen.actors].join(', ') || 'nobody',
    ...(capabilities === undefined ? {} : { capabilities }),
  });
  const rules = reportRules(RULES, verdicts);
  const isSilent = verdicts.every(({ exercised }) => exercised === 0);
  const isBroken = verdicts.some(({ level, outcome }) => level === 'must' && outcome === 'violated');
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ verdict: isBroken ? 'fail' : isSilent ? 'inconclusive' : 'pass', actors: [...seen.actors], entries: journal.length, rules })}\n`
      : `${renderJudgement(rules, { file, entries: journal.length, actors: [...seen.actors] })}\n`,
  );
  process.exitCode = isBroken || isSilent ? EXIT.findings : EXIT.ok;
}

function capabilitiesIn(file: string | undefined): ReadonlySet<Capability> | undefined {
  if (file === undefined) return undefined;
  try {
    return new Set(parseDeclaration(readFileSync(file, 'utf8'), file).capabilities);
  } catch (error) {
    if (error instanceof FileInvalid) throw new CliError('usage', error.message, SCHEMA_ADVICE);
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError('usage', `${file} can not be read: ${reason}`, SCHEMA_ADVICE);
  }
}

const SCHEMA_ADVICE = '"backlot list schema declaration" describes the file.';
