// Mutation of crates/kernels: node scripts/mutation/run.js [--only FILES] [--share I/N] [--seconds S]
//
// Builds one copy of the crates with every mutant of the files in it, then runs the crate's tests on one mutant after
// the other, those of its own module first, up to the first that fails. Goes on where the last call with these files
// ended; with other sources it begins anew. FILES is a regular expression; a share is every N-th mutant
// by a hash of its name. See docs/mutation.md.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../setup.js';
import { allMutants, read } from './mutants.js';
import { blamed, runtime, withChoices } from './schemata.js';

const { values: asked } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    share: { type: 'string', default: '0/1' },
    seconds: { type: 'string', default: '100000' },
  },
});
const until = Date.now() + 1000 * Number(asked.seconds);

const folder = join(root, 'target/mutation');
const tree = join(folder, 'tree');
const group = `${asked.only}-${asked.share}`.replace(/\W+/g, '-');
const kept = join(folder, `${group}.json`);
const lib = 'crates/kernels/src/lib.rs';
const crates = ['abi', 'kernels', 'native'];
/** As fast as tests need, and no faster: the build is what costs. */
const profile = {
  CARGO_TARGET_DIR: join(folder, 'target'),
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_PROFILE_RELEASE_DEBUG: '0',
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '1',
};

/** What a call before this one found out, if mutants and tests are still the same. */
function remembered(files) {
  const hash = createHash('sha256').update(JSON.stringify(files));
  for (const name of readdirSync(join(root, 'crates/kernels/src'), { recursive: true }).sort()) {
    if (name.endsWith('.rs')) hash.update(read(join('crates/kernels/src', name)));
  }
  const sources = hash.digest('hex');
  const before = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {};
  return before.sources === sources ? before : { sources, unviable: [], program: null, results: {} };
}

function keep(state) {
  writeFileSync(kept, JSON.stringify(state, null, 1));
}

/** Writes the copy with all edits but those left out, and gives the places of each file. What overlaps another joins `out`. */
function writeTree(files, out) {
  rmSync(tree, { recursive: true, force: true });
  for (const name of crates)
    cpSync(join(root, 'crates', name), join(tree, 'crates', name), { recursive: true });
  for (const name of ['Cargo.toml', 'Cargo.lock']) cpSync(join(root, name), join(tree, name));
  const places = new Map();
  writeFileSync(join(tree, lib), `${read(lib)}\n#[doc(hidden)]\npub mod mutant;\n`, 'latin1');
  for (const { file, text, edits } of files) {
    const made = withChoices(
      text,
      edits.filter(({ number }) => !out.has(number)),
    );
    if (edits.length > 0) writeFileSync(join(tree, file), made.text, 'latin1');
    places.set(file, made.places);
    const placed = new Set(made.places.map(({ edit }) => edit.number));
    for (const { number } of edits) if (!placed.has(number)) out.add(number);
  }
  writeFileSync(join(tree, 'crates/kernels/src/mutant.rs'), runtime);
  return places;
}

function cargo(args) {
  const options = { cwd: tree, encoding: 'utf8', maxBuffer: 1 << 30, env: { ...process.env, ...profile } };
  const { stdout, stderr, status } = spawnSync(
    'cargo',
    [...args, '--message-format=json', '--offline'],
    options,
  );
  const lines = stdout.split('\n').filter(line => line.startsWith('{'));
  return { status, stderr, messages: lines.map(line => JSON.parse(line)) };
}

/** Builds the copy; mutants that don't compile are left out. */
function build(files, state) {
  const out = new Set(state.unviable);
  const check = ['check', '--release', '-p', 'tierwise-kernels'];
  const tests = ['test', '--release', '-p', 'tierwise-kernels', '--lib', '--no-run'];
  for (let command = check; ; ) {
    const places = writeTree(files, out);
    const { status, stderr, messages } = cargo(command);
    if (status === 0) {
      const built = messages.findLast(({ executable }) => executable)?.executable;
      if (built) {
        state.program = join(folder, `${group}.tests`);
        cpSync(built, state.program);
        keep(state);
        return;
      }
      command = tests;
      continue;
    }
    const errors = messages.filter(({ message }) => message?.level === 'error' && message.spans.length > 0);
    const before = out.size;
    for (const { message } of errors) {
      for (const span of message.spans.filter(each => each.is_primary)) {
        const found = blamed(places.get(span.file_name) ?? [], span.byte_start, span.byte_end);
        for (const { number } of found) out.add(number);
      }
    }
    console.error(`${command[0]}: ${errors.length} errors, ${out.size - before} mutants do not compile`);
    state.unviable = [...out];
    keep(state);
    if (out.size === before)
      throw new Error(`not the mutants' fault:\n${errors[0]?.message.rendered ?? stderr}`);
  }
}

/** The module whose tests look at a file first. */
function moduleOf(file) {
  return /^crates\/kernels\/src\/(\w+)/.exec(file)[1];
}

/** Runs tests with a mutant alive, up to the first that fails: its name, `time-out`, a signal, or null. */
function firstFailure(program, number, filters, seconds) {
  return new Promise(resolve => {
    const child = spawn('prlimit', ['--as=8000000000', program, ...filters], {
      cwd: join(tree, 'crates/kernels'),
      env: { ...process.env, TIERWISE_MUTANT: String(number) },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    let found = null;
    const end = why => {
      found ??= why;
      child.kill('SIGKILL');
    };
    const clock = setTimeout(() => end('time-out'), 1000 * seconds);
    child.stdout.on('data', piece => {
      text += piece;
      const failed = /^test (\S+).* FAILED$/m.exec(text);
      if (failed) end(failed[1]);
    });
    child.on('close', (code, signal) => {
      clearTimeout(clock);
      resolve(found ?? (code === 0 ? null : (signal ?? `exit ${code}`)));
    });
  });
}

const [share, shares] = asked.share.split('/').map(Number);
const isAsked = ({ name }) => createHash('sha256').update(name).digest().readUInt32BE() % shares === share;
const files = allMutants()
  .filter(({ file }) => new RegExp(asked.only).test(file))
  .map(({ edits, ...rest }) => ({ ...rest, edits: edits.filter(isAsked) }));
let number = 0;
for (const { edits } of files) for (const edit of edits) edit.number = ++number;
mkdirSync(folder, { recursive: true });
const state = remembered(files);
if (!state.program || !existsSync(state.program)) build(files, state);

/** Seconds that half of the tests may take: without a mutant they take a few. */
const patience = 180;

/** The first test that fails with a mutant alive, those of its own module first. */
async function killerOf(number, file) {
  const own = `${moduleOf(file)}::`;
  const first = await firstFailure(state.program, number, [own], patience);
  return first ?? (await firstFailure(state.program, number, ['--skip', own], patience));
}

if (!state.sound) {
  const failed = await killerOf(0, 'crates/kernels/src/simd/mod.rs');
  if (failed) throw new Error(`a test fails without any mutant: ${failed}`);
  state.sound = true;
  keep(state);
}

const unviable = new Set(state.unviable);
const waiting = files
  .flatMap(({ file, edits }) => edits.map(edit => ({ ...edit, file })))
  .filter(
    ({ number, name }) => !unviable.has(number) && !state.results[name] && new RegExp(asked.only).test(name),
  )
  // The vocabulary first: its tests take a second. The others as their hashes have it, so that a part is a fair one.
  .map(({ name, file, ...rest }) => {
    const hash = createHash('sha256').update(name).digest('hex');
    return { name, file, ...rest, order: `${moduleOf(file) === 'simd' ? 0 : 1}${hash}` };
  })
  .sort((a, b) => (a.order < b.order ? -1 : 1));

async function work() {
  while (waiting.length > 0 && Date.now() < until) {
    const { name, number, file } = waiting.shift();
    state.results[name] = { number, by: await killerOf(number, file) };
    keep(state);
  }
}

await Promise.all([work(), work()]);
const results = Object.entries(state.results);
const survivors = results.filter(([, { by }]) => by === null);
const late = results.filter(([, { by }]) => by === 'time-out');
console.log(
  `${number} mutants, ${unviable.size} do not compile, ${results.length} run: ` +
    `${results.length - survivors.length - late.length} killed, ${late.length} timed out, ${survivors.length} survive; ${waiting.length} wait`,
);
for (const [name, { number }] of survivors) console.log(`  ${number}  ${name}`);
