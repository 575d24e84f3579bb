/** A part of the proxy's image is not on this machine. `hint` says how it comes there. */
export class ProxyImageError extends Error {
  override readonly name = 'ProxyImageError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
