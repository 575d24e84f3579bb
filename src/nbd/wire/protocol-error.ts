/** The peer broke the protocol: a finding about the peer. Repeating the request does not help, so nobody does. */
export class NbdProtocolError extends Error {
  override readonly name = 'NbdProtocolError';
}
