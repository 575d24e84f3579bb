/** The file with which a vendor declares an engine: `backlot-engine.yaml` beside the executable. */
import { type Static, Type } from 'typebox';
import { CAPABILITIES, type Capability } from './capabilities.ts';
import { createSchemaCheck, readCheckedYaml } from './checked-yaml.ts';

const closed = { additionalProperties: false } as const;
const CAPABILITY_NAMES = Object.keys(CAPABILITIES) as Capability[];

export const DeclarationSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'Of the engine, as reports name it' }),
    version: Type.Optional(Type.String({ minLength: 1 })),
    capabilities: Type.Array(Type.Enum(CAPABILITY_NAMES), {
      minItems: 1,
      uniqueItems: true,
      description: 'What the engine can do; compared with what is seen of it',
    }),
    killable: Type.Optional(
      Type.Boolean({
        description:
          'Whether the engine can be ended in the midst of a job; default true for an executable, false for a URL',
      }),
    ),
    time: Type.Optional(
      Type.String({
        pattern: '^(real|manual|x\\d+(\\.\\d+)?)$',
        description: 'How fast the platform’s time goes for it: real, x and a number, manual; default x20',
      }),
    ),
    readback: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description:
          'Program and arguments that write one disk of a point to standard output as raw bytes; {repository}, {point} and {device} stand for what is asked',
      }),
    ),
  },
  { ...closed, title: 'backlot engine declaration', description: 'What a backup engine says that it can do' },
);
export type Declaration = Static<typeof DeclarationSchema>;

/** A file of a vendor's that can't be used; `problems` are complete lines for people. */
export class FileInvalid extends Error {
  override readonly name = 'FileInvalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const check = createSchemaCheck(DeclarationSchema);
const DATA_PATHS: readonly Capability[] = ['nbd', 'nbdssl', 'hotadd'];
const LOGINS: readonly Capability[] = ['access-key', 'password-login'];

/** @throws FileInvalid */
export function parseDeclaration(text: string, file: string): Declaration {
  const { value, problems } = readCheckedYaml(text, file, (document) => {
    const wrong = check(document);
    return wrong.length > 0 ? wrong : gaps(document as Declaration);
  });
  if (problems.length > 0) throw new FileInvalid(problems);
  return value as Declaration;
}

function gaps({ capabilities }: Declaration): readonly { path: string[]; message: string }[] {
  const path = ['capabilities'];
  const lacks = (some: readonly Capability[]): boolean => !some.some((name) => capabilities.includes(name));
  return [
    ...(lacks(DATA_PATHS)
      ? [{ path, message: `needs one of ${DATA_PATHS.join(', ')}: a way to the disks` }]
      : []),
    ...(lacks(LOGINS) ? [{ path, message: `needs one of ${LOGINS.join(', ')}: a way to log in` }] : []),
  ];
}
