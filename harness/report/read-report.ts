/** A report.json that somebody has kept. */
import { Compile } from 'typebox/compile';
import { REPORT_VERSION, type Report } from './report.ts';
import { ReportSchema } from './report-schema.ts';

/** The message says what is wrong with the file, and where. */
export class ReportInvalid extends Error {
  override readonly name = 'ReportInvalid';
}

/** @throws ReportInvalid */
export function readReport(text: string): Report {
  const value = parseJson(text);
  const version =
    typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (version !== undefined && version !== REPORT_VERSION)
    throw new ReportInvalid(
      `it is of version ${JSON.stringify(version)}; this backlot reads ${REPORT_VERSION}`,
    );
  const compiled = Compile(ReportSchema);
  if (compiled.Check(value)) return value as unknown as Report;
  const [first] = compiled.Errors(value);
  throw new ReportInvalid(`${first?.instancePath || 'the whole'} ${first?.message ?? 'is no report'}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ReportInvalid(error instanceof Error ? error.message : String(error));
  }
}
