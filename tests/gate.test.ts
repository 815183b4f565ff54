/** A repository of its own that gates its kernels: a C library, a config, and the CI script of docs/gate.md. */

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { projectRoot } from '../src/root.ts';
import { type Ended, makeFolder, tierwise } from './testing/cli.ts';

const root = makeFolder();
afterAll(() => rmSync(root, { recursive: true }));

/** What the sample repository holds: its kernels in two tiers, of the same code. */
const source = readFileSync(join(projectRoot, 'examples/c/rms_norm.c'), 'utf8').replace(
  /^( *\{.*\.tier = )"scalar"(.*)$/m,
  '$1"scalar"$2\n$1"avx2"$2',
);
/** The files that docs/gate.md tells a repository to have, as they stand there. */
const page = readFileSync(join(projectRoot, 'docs/gate.md'), 'utf8');
const told = (file: string) => {
  const block = page.match(new RegExp(`^\`\`\`\\w+ ${file.replaceAll('.', '\\.')}\\n([^]*?)^\`\`\`$`, 'm'));
  if (!block) throw new Error(`docs/gate.md has no ${file}`);
  return block[1];
};
const script = told('ci.sh');
const config = (known: object[] = []) =>
  told('tierwise.config.ts').replace('known: []', `known: ${JSON.stringify(known)}`);

interface Repository {
  readonly name: string;
  readonly code?: (source: string) => string;
  readonly known?: object[];
  readonly script?: (script: string) => string;
  readonly regressions?: Readonly<Record<string, string>>;
}

/** Runs the CI script in a repository. */
async function ci({
  name,
  code,
  known,
  script: edit,
  regressions = {},
}: Repository): Promise<Ended & { folder: string }> {
  const folder = join(root, name);
  mkdirSync(join(folder, 'regressions'), { recursive: true });
  writeFileSync(join(folder, 'rms_norm.c'), code ? code(source) : source);
  writeFileSync(join(folder, 'tierwise.config.ts'), config(known));
  writeFileSync(join(folder, 'package.json'), aPackage);
  writeFileSync(join(folder, 'ci.sh'), edit ? edit(script) : script);
  for (const [file, content] of Object.entries(regressions)) {
    writeFileSync(join(folder, 'regressions', file), content);
  }
  const child = spawn('sh', ['ci.sh'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      TIERWISE: projectRoot,
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
    },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', text => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    said.stderr += text;
  });
  const status = await new Promise<number | null>(resolve => child.on('close', resolve));
  return { status, ...said, folder };
}

const noEps = (code: string) => code.replace(' + args->eps)', ')');
const rows = (stdout: string, state: string) => stdout.match(new RegExp(`^${state} +example.*$`, 'gm')) ?? [];

/** A package around the config, as most have one. */
const aPackage = JSON.stringify({ name: 'kernels', type: 'module', exports: { '.': './dist/index.js' } });

test('green, when all that is required was executed and holds', async () => {
  const { status, stdout, folder } = await ci({ name: 'good' });
  expect(stdout).toContain('Open: 2 required cells executed and proved.');
  expect(rows(stdout, 'green').length).toBe(2);
  expect(stdout).not.toContain('::error');
  expect(readFileSync(join(folder, 'summary.md'), 'utf8')).toMatch(/^### ✅ tierwise gate: Open/);
  expect(readFileSync(join(folder, 'gate.xml'), 'utf8')).toContain('tests="6" failures="0"');
  expect(status).toBe(0);
});

test('red on a planted bug; its failure file, kept, is asked again first; a known finding lets it stand', async () => {
  const broken = await ci({ name: 'broken', code: noEps });
  expect(broken.status).toBe(1);
  expect(rows(broken.stdout, 'RED').length).toBe(2);
  expect(broken.stdout).toMatch(/^::error title=example\/rms_norm\/example\/scalar f32::fail: equivalence/m);
  expect(readFileSync(join(broken.folder, 'gate.xml'), 'utf8')).toContain('failures="2"');

  const failures = join(broken.folder, '.tierwise/failures');
  const kept = readdirSync(failures).find(file => file.includes('-scalar-'))!;
  const regressions = { [kept]: readFileSync(join(failures, kept), 'utf8') };
  // One case of the sequence is too little to find it; the regression does.
  const short = (text: string) => text.replace('tierwise check', 'tierwise check --cases 1');
  const again = await ci({ name: 'again', code: noEps, regressions, script: short });
  expect(again.status).toBe(1);
  expect(again.stdout).toContain(`tierwise replay regressions/${kept}`);
  const mended = await ci({ name: 'mended', regressions });
  expect(mended.status).toBe(0);
  const run = JSON.parse(readFileSync(join(mended.folder, '.tierwise/run.json'), 'utf8'));
  expect(run.regressions).toMatchObject([{ file: kept, outcome: 'held' }]);

  const entry = (until: string) =>
    ['equivalence', 'precision', 'bias', 'scale', 'tiers'].map(property => ({
      provider: 'example',
      property,
      reason: 'eps is to come',
      until,
    }));
  const known = await ci({ name: 'known', code: noEps, known: entry('2999-12-31') });
  expect(rows(known.stdout, 'known').length).toBe(2);
  expect(known.stdout).toMatch(/^::warning title=tierwise gate::known finding that this run does not have/m);
  expect(known.status).toBe(0);

  const expired = await ci({ name: 'expired', code: noEps, known: entry('2020-01-01') });
  expect(rows(expired.stdout, 'RED').join()).toContain(
    'known until 2020-01-01 (eps is to come), and that is over',
  );
  expect(expired.status).toBe(1);
}, 120_000);

test.each<[string, Partial<Repository>, RegExp]>([
  [
    'a filter left it out',
    { script: text => text.replace('tierwise check', 'tierwise check --tier scalar') },
    /avx2 +f32 +missing +the run was told to leave this kernel out/,
  ],
  [
    'the library does not bring it any more',
    { code: text => text.replace(/^.*\.tier = "avx2".*\n/m, '') },
    /\* +avx2 +f32 +missing +the provider has no such kernel/,
  ],
  [
    'this machine is said not to have it',
    {
      code: text =>
        text
          .replace(/(\.tier = "avx2", \.available = )available/, '$1never')
          .replace('static const tw_kernel', 'static int never(void) { return 0; }\nstatic const tw_kernel'),
    },
    /avx2 +f32 +unavailable +this machine cannot run avx2/,
  ],
  [
    'it declines every call',
    {
      code: text =>
        text
          .replace(/(\.tier = "avx2".*\.run = )run/, '$1no')
          .replace(
            'static const tw_kernel',
            'static tw_status no(const void *p) { (void)p; return TW_UNSUPPORTED; }\nstatic const tw_kernel',
          ),
    },
    /avx2 +f32 +unsupported +it answered unsupported to all \d+ cases/,
  ],
  [
    'the check never ran, and a run of other code lies there',
    {
      script: text =>
        `${text}echo '/* */' >> rms_norm.c\n${text.replace(/tierwise check.*\n/, '').replace('-O2', '-O1')}`,
    },
    /✗ the run is not of .*librms_norm\.so as it is now \(build [0-9a-f]{16}\): run again/,
  ],
  [
    'a regression was dropped',
    {
      script: text => text.replace('tierwise gate', 'echo "{}" > regressions/new.json\ntierwise gate'),
    },
    /✗ regression new\.json was not asked again: the run does not know it/,
  ],
])('red, when a tier silently was not run: %s', async (name, change, says) => {
  const { status, stdout } = await ci({ name, ...change });
  expect(stdout).toMatch(says);
  expect(stdout).toMatch(/^::error/m);
  expect(status).toBe(1);
});

test("a case of one's own is asked first, of every kernel", async () => {
  const { folder } = await ci({ name: 'first' });
  const { cells } = JSON.parse(readFileSync(join(folder, '.tierwise/run.json'), 'utf8'));
  const own = join(root, 'own');
  cpSync(folder, own, { recursive: true });
  mkdirSync(join(own, 'cases'));
  writeFileSync(join(own, 'cases/worst.json'), JSON.stringify(cells[0].worst.case));
  writeFileSync(
    join(own, 'tierwise.config.mjs'),
    "export default { libraries: ['librms_norm.so'], cases: 1, ownCases: 'cases' };",
  );
  rmSync(join(own, 'tierwise.config.ts'));
  const args = ['check', '--json', 'own.json'];
  expect(await tierwise(args, own)).toMatchObject({ status: 0 });
  const run = JSON.parse(readFileSync(join(own, 'own.json'), 'utf8'));
  const [first] = run.cells;
  expect(first).toMatchObject({ verdict: 'pass', cases: 1, worst: { k: 0, case: cells[0].worst.case } });
  // Each property that applies is asked, not one in turn.
  expect(first.properties.length).toBeGreaterThan(8);
});
