// The same rows through this exporter, SciPy, Evidently and NannyML: seconds and peak memory of the drift of 20 features, without reading the
// files. Only by name (`npm run bench -- peers`), because pip fetches the tools, once, into .cache; 1,000,000 rows against 100,000
// unless BENCH_ROWS says otherwise.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROWS = process.env.BENCH_ROWS ?? '1000000';
const MINUTES = 15;
/** Versions that work together: neither tool runs with pandas 3. */
const TOOLS = {
  scipy: ['scipy==1.17.1', 'pandas<3'],
  evidently: ['evidently==0.7.23', 'pandas<3'],
  nannyml: ['nannyml==0.13.1', 'pandas<3', 'statsmodels'],
} as const;

const source = path.join(import.meta.dirname, '../../bench/peers/drift.py');
const cache = path.join(import.meta.dirname, '../../.cache/peers');
const rows = mkdtempSync(path.join(os.tmpdir(), 'bench-peers-'));

/** A Python with the tool; null, with the reason printed, where it cannot be had. */
function pythonWith(tool: keyof typeof TOOLS): string | null {
  const folder = path.join(cache, tool);
  const python = path.join(folder, 'bin', 'python');
  const works = () => existsSync(python) && spawnSync(python, ['-c', `import ${tool}, pandas`]).status === 0;
  if (works()) return python;
  mkdirSync(cache, { recursive: true });
  if (spawnSync('python3', ['-m', 'venv', folder]).status !== 0) {
    console.log(`${tool}: left out, because there is no python3 with venv`);
    return null;
  }
  const installed = spawnSync(python, ['-m', 'pip', 'install', '-q', ...TOOLS[tool]], { encoding: 'utf8' });
  if (works()) return python;
  const why = installed.stderr.trim().split('\n').at(-1) ?? '';
  console.log(`${tool}: left out, because pip could not install ${TOOLS[tool].join(' ')} (${why})`);
  return null;
}

try {
  const ours = spawnSync(process.execPath, ['--expose-gc', path.join(import.meta.dirname, 'evaluation.bench.js')], {
    env: { ...process.env, BENCH_ROWS: ROWS, BENCH_WRITE: rows },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (ours.status !== 0) throw new Error('evaluation.bench failed');
  for (const tool of Object.keys(TOOLS) as (keyof typeof TOOLS)[]) {
    const python = pythonWith(tool);
    if (python === null) continue;
    const run = spawnSync(python, [source, tool, rows], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MINUTES * 60_000,
    });
    const failed = run.stderr.trim().split('\n').at(-1) ?? '';
    if (run.status === 0) console.log(run.stdout.trim());
    else console.log(`${tool}: ${run.status === null ? `not done after ${MINUTES} minutes` : failed}`);
  }
} finally {
  rmSync(rows, { recursive: true, force: true });
}
