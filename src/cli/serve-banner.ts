/** What `serve` says when it is ready. */
import type { Server, World } from '../../simulator/domain/world-api.ts';
import { PROXY_OS_NAME } from '../contract/assumed.ts';
import type { RunningServer } from './start-server.ts';

/** The one line of `--json`. Others build on these names. */
export interface ReadyLine {
  readonly ready: true;
  readonly scp: string;
  readonly hci: string;
  readonly nbd: string;
  readonly control: string;
  readonly username: string;
  readonly password: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** PEM of the CA that signed the certificate of `scp` and `hci`. */
  readonly caFile: string;
  readonly world: string;
  readonly seed: string;
  /** How the guests of proxies are to be seen: `socket`, `fuse`, `loop` or `qemu`. */
  readonly guest: string;
  /** The guest folder: `<guestDir>/<proxy name>/dev/disk/by-id/virtio-<serial>`. */
  readonly guestDir: string;
  /** Only when the control interface is not bound to loopback. */
  readonly controlToken?: string;
}

export function printBanner(line: ReadyLine, server: RunningServer): string {
  const { world, mode } = server;
  const [first] = world.servers.list();
  const host = world.hosts.find(({ id }) => id === first?.hostId)?.ip ?? '127.0.0.1';
  const port = new URL(line.nbd).port;
  const control = `${line.control}/_backlot/v1`;
  const auth = line.controlToken === undefined ? '' : ` -H 'Authorization: Bearer ${line.controlToken}'`;
  return `
backlot is ready: world ${line.world}, seed ${line.seed}, clock ${mode}, ${world.servers.list().length} servers

  SCP API    ${line.scp}        HCI API  ${line.hci}
  NBD        port ${port} on the hosts' own addresses (${host}, ...) and on ${new URL(line.nbd).hostname}
  Control    ${control}
  Guests     ${line.guestDir}/<proxy>/dev/disk/by-id   (${line.guest})
  CA         ${line.caFile}
  Login      ${line.username} / ${line.password}
  Access key ${line.accessKey}
  Secret key ${line.secretKey}
${line.controlToken === undefined ? '' : `  Control token ${line.controlToken}\n`}
Try:
  curl --cacert ${line.caFile} ${line.scp}/janus/public-key
  curl${auth} ${control}/worlds/default/inventory
  curl${auth} -X POST ${control}/worlds/default/clock/advance -d '{"seconds":60}'
  BACKLOT_ACCESS_KEY=${line.accessKey} BACKLOT_SECRET_KEY=${line.secretKey} \\
    backlot backup --scp ${line.scp} --ca ${line.caFile} --vm ${first?.name ?? 'NAME'} \\
      --transport nbdssl --repo ./repo --nbd-port ${port}
  nbdinfo --list nbd://${host}:${port}      # while a backup resource runs
${attachExample(world, `curl${auth} -X POST ${control}/worlds/default`)}
Stop with Ctrl-C.
`;
}

/** How to get disks into a proxy's guest by hand; nothing where no proxy runs that reaches a server's disks. */
function attachExample(world: World, post: string): string {
  const servers = world.servers.list();
  const reaches = (proxy: Server, server: Server): boolean =>
    server.disks.every(({ datastoreId }) =>
      world.datastores.some(({ id, hostIds }) => id === datastoreId && hostIds.includes(proxy.hostId)),
    );
  for (const proxy of servers) {
    if (proxy.osName !== PROXY_OS_NAME || proxy.status !== 'running') continue;
    const source = servers.find(
      (server) => server.osName === '' && server.poolId === proxy.poolId && reaches(proxy, server),
    );
    if (source === undefined) continue;
    const body = JSON.stringify({ server: source.name });
    return `  ${post}/guests/${encodeURIComponent(proxy.name)}/attach -d '${body}'   # its disks are in the guest then\n`;
  }
  return '';
}
