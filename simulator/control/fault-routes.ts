/** Planned faults, and what the platform does to backup resources by itself. */
import { FAULT_KIND_NAMES, kindRowOf } from '../fault/fault-kinds.ts';
import { FAULT_SCHEMA } from '../fault/fault-schema.ts';
import type { FaultSpec } from '../fault/fault-api.ts';
import type { ShapeSchema } from '../inventory/check-shape.ts';
import type { ControlCall, ControlRoute } from './control-api.ts';
import { serverOf, worldOf } from './find-world.ts';

const ONLINE: ShapeSchema = {
  type: 'object',
  required: ['isOnline'],
  properties: { isOnline: { type: 'boolean', description: 'true or false' } },
};

export const FAULT_ROUTES: readonly ControlRoute[] = [
  { method: 'GET', path: '/fault-kinds', summary: 'Lists every kind of fault', run: listKinds },
  {
    method: 'GET',
    path: '/worlds/:world/faults',
    summary: 'Lists the planned faults, with how often each was met and fired',
    run: (call) => worldOf(call).faults.list(),
  },
  {
    method: 'POST',
    path: '/worlds/:world/faults',
    summary: 'Plans a fault',
    body: { type: 'object', description: 'a fault with "kind" and "on"; see /fault-kinds' },
    describedBody: FAULT_SCHEMA,
    run: addFault,
  },
  {
    method: 'DELETE',
    path: '/worlds/:world/faults',
    summary: 'Clears every planned fault',
    run: (call) => clearFaults(call, undefined),
  },
  {
    method: 'DELETE',
    path: '/worlds/:world/faults/:fault',
    summary: 'Clears one planned fault',
    run: (call) => clearFaults(call, call.params['fault']),
  },
  {
    method: 'GET',
    path: '/worlds/:world/resources',
    summary: 'Lists the backup resources',
    run: listResources,
  },
  {
    method: 'POST',
    path: '/worlds/:world/resources/:resource/expire',
    summary: 'Ends a backup resource as if its time were over',
    run: expireResource,
  },
  {
    method: 'POST',
    path: '/worlds/:world/servers/:server/preempt',
    summary: 'Lets a platform job of higher priority take the server',
    run: preempt,
  },
  {
    method: 'POST',
    path: '/worlds/:world/servers/:server/occupy',
    summary: 'Lets another backup product hold the server for some seconds',
    body: {
      type: 'object',
      required: ['seconds'],
      properties: {
        seconds: { type: 'number', minimum: 0, maximum: 31_536_000, description: 'seconds from 0 to a year' },
      },
    },
    run: occupy,
  },
  {
    method: 'PUT',
    path: '/worlds/:world/hosts/:host',
    summary: 'Lets a host go away or come back; its NBD service goes with it',
    body: ONLINE,
    run: (call) => setOnline(call, 'host'),
  },
  {
    method: 'PUT',
    path: '/worlds/:world/datastores/:datastore',
    summary: 'Lets a datastore go away or come back',
    body: ONLINE,
    run: (call) => setOnline(call, 'datastore'),
  },
  {
    method: 'POST',
    path: '/worlds/:world/servers/:server/expire-cbt',
    summary: 'Makes every checkpoint of the server void',
    run: expireCbt,
  },
  {
    method: 'POST',
    path: '/worlds/:world/expire-tokens',
    summary: 'Makes every login token void',
    run: expireTokens,
  },
];

function listKinds() {
  return FAULT_KIND_NAMES.map((kind) => {
    const { places, fields, what, model } = kindRowOf(kind);
    const values = Object.entries(fields).map(([name, field]) => [name, field.values]);
    return {
      kind,
      where: places,
      fields: Object.keys(fields),
      values: Object.fromEntries(values),
      what,
      model,
    };
  });
}

function addFault(call: ControlCall) {
  const planned = worldOf(call).faults.add(call.body as FaultSpec);
  call.reply.code(201);
  return planned;
}

function clearFaults(call: ControlCall, id: string | undefined) {
  const { faults } = worldOf(call);
  faults.clear(id);
  return faults.list();
}

function listResources(call: ControlCall) {
  const { world } = worldOf(call);
  world.settle();
  return world.backupResources.list();
}

function expireResource(call: ControlCall) {
  const { world } = worldOf(call);
  const id = call.params['resource'] ?? '';
  world.backupResources.expireNow(id);
  return world.backupResources.get(id);
}

function preempt(call: ControlCall) {
  const { world, server } = serverOf(call);
  world.backupResources.preempt(server.id);
  return world.backupResources.list().filter((resource) => resource.serverId === server.id);
}

function occupy(call: ControlCall) {
  const { world, server } = serverOf(call);
  const { seconds } = call.body as { seconds: number };
  world.backupResources.occupy(server.id, seconds);
  return { occupied: server.id, seconds };
}

function setOnline(call: ControlCall, kind: 'host' | 'datastore') {
  const { world } = worldOf(call);
  const id = call.params[kind] ?? '';
  const { isOnline } = call.body as { isOnline: boolean };
  if (kind === 'host') world.setHostOnline(id, isOnline);
  else world.setDatastoreOnline(id, isOnline);
  return { id, isOnline };
}

function expireCbt(call: ControlCall) {
  const { world, server } = serverOf(call);
  world.cbt.expire(server.id, 'control interface');
  return { expired: server.id };
}

function expireTokens(call: ControlCall) {
  worldOf(call).world.tokens.expireAll();
  return { expired: true };
}
