/** What `watch` says when it is ready. */
import type { Story } from '../../harness/runner/story.ts';

interface Ready {
  readonly scpUrl: string;
  readonly hciUrl?: string;
  readonly caFile: string;
  readonly nbdPort: number;
  readonly guestDir: string;
  readonly username: string;
  readonly password: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export function secretsOf(story: Story): Pick<Ready, 'username' | 'password' | 'accessKey' | 'secretKey'> {
  const [login] = story.world.credentials;
  if (login === undefined) throw new Error('the world has no credentials');
  const { username, password, accessKey, secretKey } = login;
  return { username, password, accessKey, secretKey };
}

export function namesOf(story: Story): readonly string[] {
  return story.scenario.world.servers.map(({ name }) => name);
}

export function banner(ready: Ready, servers: readonly string[]): string {
  return `
backlot watches. Point your product at this platform and work as usual.

  SCP API    ${ready.scpUrl}        HCI API  ${ready.hciUrl ?? ''}
  NBD        port ${ready.nbdPort} on the hosts' own addresses
  Guests     ${ready.guestDir}/<proxy>/dev/disk/by-id
  CA         ${ready.caFile}
  Login      ${ready.username} / ${ready.password}
  Access key ${ready.accessKey}
  Secret key ${ready.secretKey}
  Servers    ${servers.join(', ')}

Between backups the guests write by themselves. Ctrl-C ends the watch and gives the verdict.
`;
}
