/** A process with a machine, for the test that kills it: says the machine's process id when it runs. */
import { openQemuRig } from './qemu-rig.ts';

const rig = await openQemuRig();
await rig.agent();
process.stdout.write(`${(await rig.machines()).join(' ')}\n`);
