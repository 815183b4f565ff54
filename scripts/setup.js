// Makes everything that is missing: npm packages, the Rust build, the compiled sources. What is there and up to
// date is left alone, so a second call does nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a program in the project's folder; ends this one when it fails. */
export function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  if (error || status !== 0) {
    console.error(`tierwise: ${program} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
    process.exit(2);
  }
}

function filesUnder(folder, wanted) {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && wanted(entry.name))
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function hashOf(paths) {
  const sum = createHash('sha256');
  for (const path of paths)
    sum.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  return sum.digest('hex');
}

/** Does a step unless its stamp says that it was done with the same inputs and its products are there. */
function unlessDone({ what, stamp, inputs, products, work }) {
  const path = join(root, stamp);
  const hash = hashOf(inputs);
  const done = existsSync(path) && readFileSync(path, 'utf8') === hash;
  if (done && products.every(product => existsSync(join(root, product)))) return;
  console.error(`tierwise: ${what}`);
  work();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, hash);
}

function versionOf(program) {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}

/** Says what is missing on this machine and how to get it; nothing is done without it. */
function requireTools() {
  const missing = [];
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    missing.push(`Node.js 20.19 or newer (this is ${process.version})`);
  }
  if (process.platform !== 'linux') missing.push(`Linux (this is ${process.platform})`);
  if (!versionOf('cargo')) missing.push('Rust with cargo, 1.90 or newer: install it with rustup');
  if (!versionOf('cc')) missing.push('a C compiler and linker: apt-get install gcc libc6-dev');
  if (missing.length === 0) return;
  console.error(`tierwise cannot be built here. Missing:\n${missing.map(line => `  - ${line}`).join('\n')}`);
  process.exit(2);
}

/** Whether a path is a link: what it leads to is somebody else's, and `npm ci` would empty it first. */
function isLink(path) {
  return lstatSync(join(root, path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

const addon = ['build', '--platform', '--release', '--esm', '--manifest-path', 'crates/addon/Cargo.toml'];
const addonTo = ['--output-dir', 'dist/addon', '--js', 'index.js', '--dts', 'index.d.ts'];

/** Makes what is missing. Returns when everything is there. */
export function setUp() {
  requireTools();
  if (!isLink('node_modules')) {
    unlessDone({
      what: 'installing npm packages',
      stamp: 'node_modules/.tierwise-installed',
      inputs: [join(root, 'package-lock.json')],
      products: ['node_modules/.bin/tsc'],
      work: () => run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
    });
  }
  const rust = filesUnder('crates', name => /\.(rs|toml|h|json)$/.test(name));
  const manifests = ['Cargo.toml', 'Cargo.lock', 'package.json'].map(name => join(root, name));
  unlessDone({
    what: 'building the Rust kernels (about two minutes, once)',
    stamp: 'dist/.tierwise-built',
    inputs: [...rust, ...manifests],
    products: [
      'dist/addon/index.js',
      'target/release/tierwise-runner',
      'target/release/libtierwise_native.so',
      'target/release/libtierwise_onnxruntime.so',
      'target/release/libtierwise_mutants.so',
    ],
    work: () => {
      run('npx', ['napi', ...addon, ...addonTo], { stdio: ['ignore', 'ignore', 'inherit'] });
      run('cargo', ['build', '--release', '--locked', '--workspace', '--exclude', 'tierwise-addon']);
    },
  });
  const sources = ['src', 'reference', 'suites', 'reports'].flatMap(f =>
    filesUnder(f, name => name.endsWith('.ts')),
  );
  unlessDone({
    what: 'compiling TypeScript',
    stamp: 'dist/.tierwise-compiled',
    inputs: [...sources, join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')],
    products: ['dist/src/cli/main.js'],
    work: () => run('npx', ['tsc', '-p', 'tsconfig.build.json']),
  });
}
