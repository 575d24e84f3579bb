import type { Duplex } from 'node:stream';
import type { NbdServerContext } from './nbd-server-context.ts';
import { Negotiation, type Negotiated } from './negotiation.ts';
import { createStreamOutput, type ReplyOutput } from './reply-output.ts';
import { ServerConnection } from './server-connection.ts';
import { Transmission } from './transmission.ts';

/**
 * Serves one client over `stream` (a socket, or one end of a duplex pair) until the connection is closed. Never
 * rejects: whatever the client does ends in `observer.closed` with a reason.
 */
export async function serveNbd(stream: Duplex, context: NbdServerContext): Promise<void> {
  const connection = new ServerConnection(
    context.connectionId,
    stream,
    context.clock,
    context.limits.closeTimeoutMs,
  );
  context.observer.opened(context.connectionId, context.address);
  let negotiated: Negotiated | undefined;
  try {
    negotiated = await new Negotiation(stream, context, connection).run();
    if (negotiated !== undefined) transmit(negotiated, context, connection);
  } catch (error) {
    connection.cut(`server error: ${error instanceof Error ? error.message : String(error)}`);
  }
  const why = await connection.whenClosed;
  negotiated?.opened.release();
  context.observer.closed(context.connectionId, why);
}

function transmit(negotiated: Negotiated, context: NbdServerContext, connection: ServerConnection): void {
  const { stream, exportName } = negotiated;
  const bottom = createStreamOutput(stream, (why) => connection.cut(why));
  const filters = context.filters?.(exportName, connection) ?? [];
  const output = filters.reduce<ReplyOutput>((inner, filter) => filter(inner), bottom);
  new Transmission(negotiated, context, connection, output).start();
}
