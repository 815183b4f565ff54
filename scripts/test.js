// All fast tests: makes what is missing, then runs cargo test and vitest. The last line counts both.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, setUp } from './setup.js';

console.error('tierwise: tests');
await setUp();

// What has tests, and not the examples, which only measure: linting compiles them.
const rust = spawnSync('cargo', ['test', '--release', '--locked', '--workspace', '--quiet', '--tests'], {
  cwd: root,
  encoding: 'utf8',
  stdio: ['inherit', 'pipe', 'inherit'],
  maxBuffer: 1 << 28,
});
process.stdout.write(rust.stdout);
let [passed, failed] = [0, 0];
for (const [, ok, broken] of rust.stdout.matchAll(/^test result: .* (\d+) passed; (\d+) failed;/gm)) {
  passed += Number(ok);
  failed += Number(broken);
}
// A test program that did not compile, or died, has no result line.
if (rust.status !== 0 && failed === 0) failed = 1;

mkdirSync(join(root, '.tierwise'), { recursive: true });
const results = join(root, '.tierwise', 'vitest.json');
rmSync(results, { force: true });
const vitest = spawnSync(
  'npx',
  ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
  {
    cwd: root,
    stdio: 'inherit',
    // A log keeps no colours, whatever the environment asks for.
    env: process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  },
);
try {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(results, 'utf8'));
  passed += numPassedTests;
  failed += numFailedTests;
  if (vitest.status !== 0 && numFailedTests === 0) failed++;
} catch {
  failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && rust.status === 0 && vitest.status === 0 ? 0 : 1;
