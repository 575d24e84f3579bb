/** `npm run build`: the sources as JavaScript and declarations under `dist/`, for `npm pack`. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const tsc = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (tsc.status !== 0) process.exit(tsc.status ?? 70);
// Data files that the sources read from beside themselves.
for (const file of globSync('{src,simulator,harness}/**/*.{json,c,sh}')) cpSync(file, `dist/${file}`);
chmodSync('dist/src/cli/main.js', 0o755);
