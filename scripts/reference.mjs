// `npm run reference`: writes the tables of exporter/docs/{metrics,configuration}.md and exporter/docs/api.md anew, from the code.
import path from 'node:path';
import { ensureInstalled, root, run } from './install.mjs';

/** The arguments of node; with `--check` behind them it only compares. */
export const REFERENCE = ['exporter/test/support/run-typescript.cjs', 'exporter/reference/write.ts'];

if (import.meta.filename === process.argv[1]) {
  ensureInstalled();
  const status = run(process.execPath, REFERENCE);
  const files = ['metrics', 'configuration', 'api'].map((name) => path.join(root, 'exporter', 'docs', `${name}.md`));
  const prettier = path.join(root, 'node_modules', '.bin', 'prettier');
  process.exitCode = status === 0 ? run(prettier, ['--write', '--log-level', 'warn', ...files]) : status;
}
