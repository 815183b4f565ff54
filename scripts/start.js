// The main job: makes what is missing, then checks, times and reports every kernel of this machine.
// Arguments go to `tierwise run`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './setup.js';

console.error('tierwise: proves, times and reports CPU kernels, tier by tier');
await setUp();
const line = [join(root, 'bin/tierwise.js'), 'run', ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, line, { cwd: root, stdio: 'inherit' }).status ?? 2;
