// A Python with pandas and requests for the tests of the examples: a virtual environment of our own, made once.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from './install.mjs';

const folder = path.join(root, 'exporter', '.cache', 'python');
const python = path.join(folder, 'bin', 'python');
const works = (program) => spawnSync(program, ['-c', 'import pandas, requests']).status === 0;

/** Makes it if it is not there. Returns what is missing, as lines for a person. */
export function ensurePython() {
  if (existsSync(python) && works(python)) return [];
  console.log('Installing pandas for the tests of the Python examples (once) ...');
  const made = spawnSync('python3', ['-m', 'venv', folder], { encoding: 'utf8' });
  if (made.status === 0)
    spawnSync(python, ['-m', 'pip', 'install', '-q', 'pandas>=2,<4', 'requests>=2'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  return works(python) ? [] : ['Python 3 with venv and pip is not there: without it the Python examples are not run'];
}
