/**
 * The error catalogue: every way in which the product's API refuses, as one table.
 *
 * Domain code throws `new ApiError('CBT_EXPIRED')`; one handler renders the V1 or V2 envelope; engines branch on the
 * retry class and never on text.
 */

/**
 * What a caller may do about it: `never` repeat the same call; repeat it `after-delay`; only `after-reacquire` of the
 * login, lock or connection; only `after-full-backup` (the changed-block history is gone).
 */
export type RetryClass = 'never' | 'after-delay' | 'after-reacquire' | 'after-full-backup';

interface ErrorRow {
  /** HTTP status; `code` (V1, number) and `errcode` (V2, string) mirror it. */
  readonly status: 400 | 401 | 403 | 404 | 409 | 429 | 500 | 501 | 503;
  readonly message: string;
  readonly retry: RetryClass;
  readonly fidelity: 'documented' | 'observed' | 'assumed';
}

export const API_ERRORS = {
  INVALID_PARAMETER: { status: 400, message: 'Invalid parameter.', retry: 'never', fidelity: 'documented' },
  MALFORMED_BODY: {
    status: 400,
    message: 'The request body is not valid JSON.',
    retry: 'never',
    fidelity: 'assumed',
  },
  UNAUTHENTICATED: {
    status: 401,
    message: 'Authentication is required.',
    retry: 'after-reacquire',
    fidelity: 'documented',
  },
  BAD_CREDENTIALS: {
    status: 401,
    message: 'Incorrect username or password.',
    retry: 'never',
    fidelity: 'assumed',
  },
  BAD_SIGNATURE: {
    status: 401,
    message: 'The request signature does not match.',
    retry: 'never',
    fidelity: 'observed',
  },
  TOKEN_EXPIRED: {
    status: 401,
    message: 'The token is invalid or has expired.',
    retry: 'after-reacquire',
    fidelity: 'assumed',
  },
  FORBIDDEN: { status: 403, message: 'No permission.', retry: 'never', fidelity: 'documented' },
  PUBLIC_KEY_BANNED: {
    status: 403,
    message: 'Too many public key requests. Try again in one minute.',
    retry: 'after-delay',
    fidelity: 'documented',
  },
  UNKNOWN_PATH: {
    status: 404,
    message: 'The requested path does not exist.',
    retry: 'never',
    fidelity: 'assumed',
  },
  NOT_BUILT: {
    status: 501,
    message: 'Known to the product, not built in this simulator.',
    retry: 'never',
    fidelity: 'assumed',
  },
  NOT_FOUND: { status: 404, message: 'The resource does not exist.', retry: 'never', fidelity: 'documented' },
  CONFLICT: { status: 409, message: 'The resource already exists.', retry: 'never', fidelity: 'documented' },
  RATE_LIMITED: {
    status: 429,
    message: 'The call limit of this interface is reached.',
    retry: 'after-delay',
    fidelity: 'documented',
  },
  IDEMPOTENCY_MISMATCH: {
    status: 429,
    message: 'The client token was used for another request.',
    retry: 'never',
    fidelity: 'documented',
  },
  INTERNAL: { status: 500, message: 'Internal error.', retry: 'after-delay', fidelity: 'documented' },
  UNAVAILABLE: {
    status: 503,
    message: 'The service is unavailable.',
    retry: 'after-delay',
    fidelity: 'documented',
  },
  CBT_EXPIRED: {
    status: 400,
    message: 'The VM CBT has expired. Please reset it.',
    retry: 'after-full-backup',
    fidelity: 'documented',
  },
  CBT_DISABLED: {
    status: 400,
    message: 'CBT is not enabled for the disk.',
    retry: 'after-full-backup',
    fidelity: 'assumed',
  },
  CBT_BAD_CHECKPOINT: {
    status: 400,
    message: 'The checkpoint ID is invalid.',
    retry: 'after-full-backup',
    fidelity: 'assumed',
  },
  CBT_BAD_OFFSET: {
    status: 400,
    message: 'The start offset is outside of the disk.',
    retry: 'never',
    fidelity: 'assumed',
  },
  UNKNOWN_DISK: { status: 400, message: 'The disk does not exist.', retry: 'never', fidelity: 'assumed' },
  UNKNOWN_SNAPSHOT: {
    status: 400,
    message: 'The snapshot does not exist.',
    retry: 'never',
    fidelity: 'assumed',
  },
  SNAPSHOT_PROTECTED: {
    status: 400,
    message: 'The snapshot is protected and cannot be deleted.',
    retry: 'never',
    fidelity: 'assumed',
  },
  SNAPSHOT_LIMIT: {
    status: 400,
    message: 'The number of snapshots has reached the limit.',
    retry: 'never',
    fidelity: 'assumed',
  },
  SNAPSHOT_IN_USE: {
    status: 400,
    message: 'The snapshot is being used by a backup resource.',
    retry: 'after-delay',
    fidelity: 'assumed',
  },
  SERVER_BUSY: {
    status: 400,
    message: 'Another task is running on the virtual machine.',
    retry: 'after-delay',
    fidelity: 'assumed',
  },
  SERVER_LOCKED: {
    status: 400,
    message: 'The virtual machine is locked by a backup resource.',
    retry: 'after-delay',
    fidelity: 'assumed',
  },
  SERVER_STATE: {
    status: 400,
    message: 'The virtual machine is not in a state that allows this operation.',
    retry: 'after-delay',
    fidelity: 'assumed',
  },
  SERVER_INELIGIBLE: {
    status: 400,
    message: 'The virtual machine does not support agentless backup.',
    retry: 'never',
    fidelity: 'documented',
  },
  RESTORE_INCOMPLETE: {
    status: 400,
    message: 'The virtual machine holds an incomplete restore and cannot be started.',
    retry: 'never',
    fidelity: 'assumed',
  },
  NO_HOST: {
    status: 400,
    message: 'No running host can access all disks of the virtual machine.',
    retry: 'after-delay',
    fidelity: 'documented',
  },
  RESOURCE_OCCUPIED: {
    status: 400,
    message: 'The virtual machine is occupied by another backup task.',
    retry: 'after-delay',
    fidelity: 'assumed',
  },
  RESOURCE_GONE: {
    status: 404,
    message: 'The backup resource does not exist or has expired.',
    retry: 'after-reacquire',
    fidelity: 'assumed',
  },
  HOTADD_CONFLICT: {
    status: 400,
    message: 'Another disk task is running on the backup proxy. Only one can run at a time.',
    retry: 'after-delay',
    fidelity: 'assumed',
  },
  NOT_A_PROXY: {
    status: 400,
    message: 'The virtual machine is not a backup proxy.',
    retry: 'never',
    fidelity: 'assumed',
  },
  NO_VMTOOLS: {
    status: 400,
    message: 'VMTools is not running in the virtual machine.',
    retry: 'after-delay',
    fidelity: 'assumed',
  },
  OTHER_POOL: {
    status: 400,
    message: 'The disk belongs to another resource pool than the backup proxy.',
    retry: 'never',
    fidelity: 'assumed',
  },
  DATASTORE_UNREACHABLE: {
    status: 400,
    message: 'The host of the backup proxy cannot access the datastore of the disk.',
    retry: 'never',
    fidelity: 'assumed',
  },
  DISK_LIMIT: {
    status: 400,
    message: 'The virtual machine cannot have so many disks.',
    retry: 'never',
    fidelity: 'assumed',
  },
  NO_BACKUP_RESOURCE: {
    status: 400,
    message: 'The virtual machine of the disk has no running backup resource for this use.',
    retry: 'after-reacquire',
    fidelity: 'assumed',
  },
  DISK_ATTACHED: {
    status: 400,
    message: 'The disk is already attached.',
    retry: 'never',
    fidelity: 'assumed',
  },
  DISK_NOT_ATTACHED: {
    status: 400,
    message: 'The disk is not attached to the backup proxy.',
    retry: 'never',
    fidelity: 'assumed',
  },
  UNPLUG_TIMEOUT: {
    status: 400,
    message: 'The guest did not release the disk.',
    retry: 'after-delay',
    fidelity: 'assumed',
  },
  NO_SPACE: {
    status: 400,
    message: 'The datastore has not enough space.',
    retry: 'never',
    fidelity: 'assumed',
  },
} as const satisfies Record<string, ErrorRow>;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** A refusal of the product's API. `detail` is appended to the catalogue's message in parentheses. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  readonly detail: string | undefined;

  constructor(code: ApiErrorCode, detail?: string) {
    super(detail === undefined ? API_ERRORS[code].message : `${API_ERRORS[code].message} (${detail})`);
    this.code = code;
    this.detail = detail;
  }

  get status(): number {
    return API_ERRORS[this.code].status;
  }

  get retry(): RetryClass {
    return API_ERRORS[this.code].retry;
  }
}
