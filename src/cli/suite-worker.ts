/**
 * A thread of `backlot run`. The compiled code that the last run left behind has to be asked for by each thread, before
 * anything is loaded; it makes the start half as long.
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./suite-thread.ts');
