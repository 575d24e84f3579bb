/** Login, version and platform. @source SCP OpenAPI 6.11.1 and 6.11.3 guide, authentication; shape of the token as a public client reads it */
import { anything, bool, integer, listOf, object, text, textUpTo } from '../schema.ts';

/** Modulus of an RSA-2048 key in upper-case hex, ended by a newline. The exponent is 65537. */
export const publicKeyData = object({ public_key: text });

/** `password` is the RSA ciphertext in lower-case hex. */
export const authenticateBody = object({
  auth: object({
    passwordCredentials: object({ username: textUpTo(256, 1), password: textUpTo(2048, 1) }),
  }),
});

export const authenticateData = object({
  access: object({
    token: object({
      id: text,
      issued_at: text,
      expires: text,
      tenant: object({ id: text, name: text, description: text, enabled: bool }),
      audit_ids: listOf(text),
    }),
    user: object({
      id: text,
      username: text,
      name: text,
      roles_links: listOf(anything),
      roles: listOf(object({ name: text })),
    }),
  }),
});

export const systemVersionData = object({ build_version: text, custom_version: listOf(text) });

export const maintenanceData = object({ maintain_mode: integer });

export const platformData = object({
  version: text,
  build_time: text,
  manage_mode: text,
  access_scc: integer,
  region_info: object({ region_id: text, region_name: text, region_url: text, parent_region: text }),
  dcluster_info: object({ mode: text, cluster_ip: text, cluster_port: text, leader_ip: text }),
});
