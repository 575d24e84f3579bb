/** The ways in which real clients sign, written down without the product's or the SDK's code. */
import { createHash, createHmac } from 'node:crypto';

export interface SigningStyle {
  /** SignedHeaders as it is sent. */
  readonly listed: string;
  /** Headers whose lines are hashed. */
  readonly hashed: readonly string[];
  readonly region: string;
  readonly service: string;
  /** Further headers to send. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Six public clients, anonymous. */
export const SIGNING_STYLES = {
  'x-amz-date, open-api': {
    listed: 'x-amz-date',
    hashed: ['x-amz-date'],
    region: 'cn-south-1',
    service: 'open-api',
  },
  'x-amz-date, sdk-api': {
    listed: 'x-amz-date',
    hashed: ['x-amz-date'],
    region: 'cn-south-1',
    service: 'sdk-api',
  },
  'path listed': {
    listed: 'path;x-amz-date',
    hashed: ['x-amz-date'],
    region: 'cn-south-1',
    service: 'open-api',
  },
  'cookie signed': {
    listed: 'cookie;x-amz-date',
    hashed: ['cookie', 'x-amz-date'],
    region: 'regionOne',
    service: 'sdk-api',
    headers: { Cookie: 'aCMPAuthToken=0123456789abcdef0123456789abcdef' },
  },
  'cookie listed, not sent': {
    listed: 'cookie;x-amz-date',
    hashed: ['x-amz-date'],
    region: 'regionOne',
    service: 'sdk-api',
  },
  'host signed': {
    listed: 'host;x-amz-date',
    hashed: ['host', 'x-amz-date'],
    region: 'eu-1',
    service: 'open-api',
    headers: { Host: 'scp.example:4430' },
  },
} as const satisfies Record<string, SigningStyle>;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export function signed(
  request: Request,
  style: SigningStyle = SIGNING_STYLES['x-amz-date, open-api'],
  amzDate = '20260203T040506Z',
): Record<string, string> {
  const scope = `${amzDate.slice(0, 8)}/${style.region}/${style.service}/aws4_request`;
  const values: Record<string, string> = { 'x-amz-date': amzDate };
  for (const [name, value] of Object.entries(style.headers ?? {})) values[name.toLowerCase()] = value;
  const lines = style.hashed.map((name) => `${name}:${values[name]}\n`).join('');
  const canonical = [request.method, request.path, '', lines, style.listed, sha256(request.body)].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', amzDate, scope, sha256(canonical)].join('\n');
  let key: Buffer = Buffer.from(`AWS4${request.secretKey}`);
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  return {
    'X-Amz-Date': amzDate,
    ...style.headers,
    Authorization: `AWS4-HMAC-SHA256 Credential=${request.accessKey}/${scope}, SignedHeaders=${style.listed}, Signature=${signature}`,
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
