// Makes everything that is missing: npm packages, the Rust build, the compiled sources. What is there and up to
// date is left alone, so a second call does nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
async function unlessDone({ what, stamp, inputs, products, work }) {
  const path = join(root, stamp);
  const hash = hashOf(inputs);
  const done = existsSync(path) && readFileSync(path, 'utf8') === hash;
  if (done && products.every(product => existsSync(join(root, product)))) return;
  console.error(`tierwise: ${what}`);
  await work();
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
  else if (!process.report.getReport().header.glibcVersionRuntime)
    missing.push('glibc (this is another C library)');
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

/**
 * Builds every crate in one go, and the addon's loader and types from what its build leaves. `napi build` would do
 * the same with a `--target` of its own, and so compile whatever the addon stands on twice.
 */
async function buildRust() {
  const { generateTypeDef, writeJsBinding } = await import('@napi-rs/cli');
  const [typeDefDir, outputDir] = ['target/napi-types', 'dist/addon'].map(path => join(root, path));
  rmSync(typeDefDir, { recursive: true, force: true });
  for (const folder of [typeDefDir, outputDir]) mkdirSync(folder, { recursive: true });
  // The types are written while the addon is compiled, so it must be.
  const env = {
    ...process.env,
    NAPI_TYPE_DEF_TMP_FOLDER: typeDefDir,
    NAPI_FORCE_BUILD_TIERWISE_ADDON: String(Date.now()),
  };
  run('cargo', ['build', '--release', '--locked', '--workspace'], { env });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { exports: idents, dts } = await generateTypeDef({
    typeDefDir,
    cwd: root,
    declareBindingTarget: true,
  });
  const names = { binaryName: 'tierwise', packageName: 'tierwise', version };
  await writeJsBinding({ ...names, platform: true, esm: true, idents, jsBinding: 'index.js', outputDir });
  writeFileSync(join(outputDir, 'index.d.ts'), dts);
  // In one step: somebody may have the old one open.
  const built = join(outputDir, 'built');
  copyFileSync(join(root, 'target/release/libtierwise_addon.so'), built);
  renameSync(built, join(outputDir, `tierwise.linux-${process.arch}-gnu.node`));
}

/** Makes what is missing. Returns when everything is there. */
export async function setUp() {
  requireTools();
  if (!isLink('node_modules')) {
    await unlessDone({
      what: 'installing npm packages',
      stamp: 'node_modules/.tierwise-installed',
      inputs: [join(root, 'package-lock.json')],
      products: ['node_modules/.bin/tsc'],
      work: () => run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
    });
  }
  const rust = filesUnder('crates', name => /\.(rs|toml|h|json)$/.test(name));
  const manifests = ['Cargo.toml', 'Cargo.lock', 'package.json'].map(name => join(root, name));
  await unlessDone({
    what: 'building the Rust kernels (about three minutes, once)',
    stamp: 'dist/.tierwise-built',
    inputs: [...rust, ...manifests],
    products: [
      'dist/addon/index.js',
      'target/release/tierwise-runner',
      'target/release/libtierwise_native.so',
      'target/release/libtierwise_onnxruntime.so',
      'target/release/libtierwise_mutants.so',
    ],
    work: buildRust,
  });
  const sources = ['src', 'reference', 'suites', 'reports'].flatMap(f =>
    filesUnder(f, name => name.endsWith('.ts')),
  );
  await unlessDone({
    what: 'compiling TypeScript',
    stamp: 'dist/.tierwise-compiled',
    inputs: [...sources, join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')],
    products: ['dist/src/cli/main.js'],
    work: () => run('npx', ['tsc', '-p', 'tsconfig.build.json']),
  });
}
