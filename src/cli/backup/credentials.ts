/** Where the secrets come from: a file or the environment, never the command line. */
import { readFile } from 'node:fs/promises';
import type { Credentials } from '../../engine/engine-api.ts';
import { messageOf } from '../../repository/errors.ts';
import { CliError } from '../cli-error.ts';

const HOW =
  'set BACKLOT_ACCESS_KEY and BACKLOT_SECRET_KEY, or BACKLOT_USERNAME and BACKLOT_PASSWORD, or give --credentials FILE';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The file decides when it is given; else access keys before a password. */
export async function findCredentials(
  file: string | undefined,
  environment: Environment,
): Promise<Credentials> {
  if (file !== undefined) return parseCredentials(file, await readText(file));
  const found = fromFields({
    accessKey: environment.BACKLOT_ACCESS_KEY,
    secretKey: environment.BACKLOT_SECRET_KEY,
    username: environment.BACKLOT_USERNAME,
    password: environment.BACKLOT_PASSWORD,
  });
  if (found === undefined) throw new CliError('usage', `there are no credentials: ${HOW}`);
  return found;
}

/** The file holds one JSON object: `accessKey` and `secretKey`, or `username` and `password`. Never quoted in errors. */
function parseCredentials(file: string, text: string): Credentials {
  const found = fromFields(parseObject(text));
  if (found === undefined)
    throw new CliError(
      'usage',
      `${file} must hold a JSON object with accessKey and secretKey, or username and password`,
    );
  return found;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function fromFields(fields: Readonly<Record<string, unknown>>): Credentials | undefined {
  const { accessKey, secretKey, username, password } = fields;
  if (isText(accessKey) && isText(secretKey)) return { kind: 'ec2', accessKey, secretKey };
  if (isText(username) && isText(password)) return { kind: 'password', username, password };
  return undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(
      'environment',
      `${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? messageOf(error)}`,
    );
  }
}
