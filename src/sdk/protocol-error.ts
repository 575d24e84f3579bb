/**
 * The platform answered, but not as its contract says. A finding about the platform: repeating the call would not
 * help, so nobody retries it (but for an answer that is damaged).
 */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError';
  /** The call whose answer is wrong, as the contract names it. */
  readonly operation: string;
  /** Path of the wrong field inside the answer's data, empty for the answer as a whole. */
  readonly field: string;

  constructor(operation: string, field: string, problem: string) {
    super(`${operation}: ${field === '' ? 'the answer' : `field ${field}`} ${problem}`);
    this.operation = operation;
    this.field = field;
  }
}

/**
 * An answer of success that does not read as JSON: cut or garbled between the platform and here. What the call has
 * done is as unknown as after no answer at all, and it is repeated likewise.
 */
export class DamagedAnswer extends ProtocolError {
  override readonly name = 'DamagedAnswer';
}
