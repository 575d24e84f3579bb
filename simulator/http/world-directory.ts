/**
 * Which world a request belongs to. An unmodified product knows no worlds, so its credential chooses: an access key
 * belongs to exactly one world, a token to the world that issued it, a user name to any world with such a user.
 */
import type { CredentialSpec } from '../domain/inventory.ts';
import type { World } from '../domain/world-api.ts';
import type { Faults } from '../fault/fault-api.ts';

/** A world as the REST API needs it. */
export interface ApiWorld {
  readonly world: World;
  readonly faults: Faults;
  /** `ca_cert` of the cluster's backup resources: base64 of the CA's DER, one line. */
  caCertBase64(clusterId: string): string;
}

export interface TokenOwner {
  readonly hosted: ApiWorld;
  readonly username: string;
}

export interface WorldDirectory {
  byAccessKey(
    accessKey: string,
  ): { readonly hosted: ApiWorld; readonly credential: CredentialSpec } | undefined;
  /** Oldest world first. */
  byUsername(username: string): readonly ApiWorld[];
  /** Also of a token that has expired: its world says so. */
  byToken(token: string): TokenOwner | undefined;
  /** Remembers who issued a token. */
  noteToken(token: string, owner: TokenOwner): void;
}

/** Tokens remembered at most; the oldest go first. */
const TOKEN_LIMIT = 100_000;

/** The worlds of one process. */
export class WorldRegistry implements WorldDirectory {
  readonly #worlds = new Map<string, ApiWorld>();
  readonly #keys = new Map<string, { readonly hosted: ApiWorld; readonly credential: CredentialSpec }>();
  readonly #tokens = new Map<string, TokenOwner>();

  /** @throws RangeError when another world has the same id or one of the access keys */
  add(hosted: ApiWorld): void {
    const { id, credentials } = hosted.world;
    if (this.#worlds.has(id)) throw new RangeError(`there is a world ${id} already`);
    const taken = credentials.find((credential) => this.#keys.has(credential.accessKey));
    if (taken !== undefined) throw new RangeError(`another world has the access key ${taken.accessKey}`);
    this.#worlds.set(id, hosted);
    for (const credential of credentials) this.#keys.set(credential.accessKey, { hosted, credential });
  }

  remove(worldId: string): void {
    const hosted = this.#worlds.get(worldId);
    if (hosted === undefined) return;
    this.#worlds.delete(worldId);
    for (const credential of hosted.world.credentials) this.#keys.delete(credential.accessKey);
    for (const [token, owner] of this.#tokens) if (owner.hosted === hosted) this.#tokens.delete(token);
  }

  list(): readonly ApiWorld[] {
    return [...this.#worlds.values()];
  }

  byAccessKey(accessKey: string) {
    return this.#keys.get(accessKey);
  }

  byUsername(username: string): readonly ApiWorld[] {
    return this.list().filter(({ world }) => world.credentials.some((one) => one.username === username));
  }

  byToken(token: string): TokenOwner | undefined {
    return this.#tokens.get(token);
  }

  noteToken(token: string, owner: TokenOwner): void {
    this.#tokens.set(token, owner);
    if (this.#tokens.size <= TOKEN_LIMIT) return;
    for (const oldest of this.#tokens.keys()) {
      this.#tokens.delete(oldest);
      break;
    }
  }
}
