/** The vocabulary of faults as a document, made from the table that the simulator carries out. */
import type { FaultKind } from '../../simulator/fault/fault-api.ts';
import type { FaultField } from '../../simulator/fault/fault-fields.ts';
import { FAULT_KIND_NAMES, kindRowOf } from '../../simulator/fault/fault-kinds.ts';
import type { KindRow } from '../../simulator/fault/kind-row.ts';
import { faultSpecOf } from './fault-words.ts';
import type { StepBodies } from './scenario-schema.ts';

const HEAD = `# Faults

This document is made by \`backlot list faults --markdown > docs/faults.md\`; a test holds it to the code.

A fault is planned: it says where it strikes, what happens there and how often. Nothing breaks by chance. Every planned
fault counts how often it fired; in a scenario one that never fired makes the outcome inconclusive (unless \`mayMiss\`).

The same faults can be planned in three ways:
- a scenario's step \`- fault: { id: ..., on: ..., kind: ... }\`, from that step on, until \`clearFaults\`;
- an entry of a scenario's \`attack:\`, \`- fault: { id: ..., on: ..., kind: ... }\`, before the first of its \`steps\`, until they are over;
- the control interface of a running simulator. The examples below have its address in \`C\`:
  \`C=http://127.0.0.1:4480/_backlot/v1/worlds/default\`. \`GET $C/faults\` tells how often each was met and fired,
  \`DELETE $C/faults/ID\` clears one.

Scenario files write durations and sizes as texts (\`90s\`, \`10m\`; \`64KiB\`, \`1MiB+512\`); the control interface takes
milliseconds, seconds and bytes.

## Where: \`on\`
| \`on\` | the fault strikes |
|---|---|
| a REST operation (\`snapshots.create\`; \`backlot list endpoints\`) | a call of it |
| \`*\` | a call of any REST operation |
| \`task:\` and a kind of task (\`task:snapshot.delete\`), \`task:*\` | a task as it reaches a \`step\`: \`waiting\` (its call was accepted), \`doing\` (its work begins), \`finish\` (it would have its effect; this when none is named) |
| \`lease\` | a backup resource when it has \`atRemaining\` left |
| \`nbd\` | a request or a connection of the data plane |
| \`guest\` | a hot-added device in a proxy's guest, or a request to it; server and device are those of the disk's source |
| \`data\` (scenario files only) | \`nbd\` or \`guest\`, whichever the engine reads by |

Every fault can be narrowed: \`server\` (id or name), \`device\` (slot of a disk), \`resource\` (id of a backup resource),
\`actor\` (access key or user name; on the data plane the owner of the backup resource), \`connection\` (number of an NBD
connection, as the journal counts).

## How often
\`after: N\` lets the first N matches pass. \`times: N\` lets it fire N times (1 when absent), \`times: 0\` whenever it can.
Where there is nothing to strike (no proxy holds a disk, an answer has one page only), it waits for the next match. What
lasts (\`for\`) ends with its time, or when its fault is cleared.

## Kinds
`;

export function faultDocument(): string {
  const list = FAULT_KIND_NAMES.map((kind) => `| [${kind}](#${kind}) | ${kindRowOf(kind).what} |`);
  const table = ['| kind | what happens |', '|---|---|', ...list].join('\n');
  return `${HEAD}${table}\n\n${FAULT_KIND_NAMES.map(describeKind).join('\n')}`;
}

function describeKind(kind: FaultKind['kind']): string {
  const row = kindRowOf(kind);
  return `### ${kind}
${row.what}

${row.model}

Where: ${row.places.map((place) => `\`${place}\``).join(', ')}${onlyAt(row)}. ${describeFields(row)}

\`\`\`yaml
- fault: { id: it, ${inYaml(row.example)} }
\`\`\`
\`\`\`sh
curl -s $C/faults -H 'content-type: application/json' -d '${inJson(kind)}'
\`\`\`
`;
}

function onlyAt({ operations }: KindRow): string {
  return operations === undefined ? '' : ` (${operations.join(', ')})`;
}

function describeFields({ fields }: KindRow): string {
  const all = Object.entries(fields).map(([name, field]) => describeField(name, field));
  return all.length === 0 ? 'No fields.' : `Fields: ${all.join('; ')}.`;
}

function describeField(name: string, { word, values, isOptional, fallback }: FaultField): string {
  const inFile = word === name ? '' : `, \`${word}\` in a scenario file`;
  const usual = fallback === undefined ? '' : `, ${fallback} where a scenario file leaves it out`;
  return `\`${name}\` (${values}${inFile}${usual}${isOptional === true ? ', optional' : ''})`;
}

function inYaml(example: KindRow['example']): string {
  return Object.entries(example)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}

function inJson(kind: FaultKind['kind']): string {
  const body = { id: 'it', ...kindRowOf(kind).example } as StepBodies['fault'];
  return JSON.stringify(faultSpecOf(body, 'nbd')).replaceAll("'", "'\\''");
}
