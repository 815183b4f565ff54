#!/usr/bin/env node
// The command line as it was built: dist/ holds the compiled sources.
import { existsSync } from 'node:fs';

const built = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(built)) {
  process.stderr.write('tierwise is not built yet: npm start builds everything that is missing\n');
  process.exit(2);
}
const { main } = await import(built.href);
process.exitCode = await main(process.argv.slice(2));
