import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The version in this package's package.json, whether the sources run or a build. */
export function packageVersion(): string {
  const file = findPackageJSON('.', import.meta.url);
  if (file === undefined) return '0.0.0';
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
