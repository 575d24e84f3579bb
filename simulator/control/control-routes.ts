import type { ControlRoute } from './control-api.ts';
import { FAULT_ROUTES } from './fault-routes.ts';
import { GUEST_ROUTES } from './guest-routes.ts';
import { OBSERVE_ROUTES } from './observe-routes.ts';
import { PROXY_ROUTES } from './proxy-routes.ts';
import { WORLD_ROUTES } from './world-routes.ts';

/** Every route of the control interface, apart from the two that describe the APIs. */
export const CONTROL_ROUTES: readonly ControlRoute[] = [
  ...OBSERVE_ROUTES,
  ...WORLD_ROUTES,
  ...GUEST_ROUTES,
  ...PROXY_ROUTES,
  ...FAULT_ROUTES,
];
