// `npm run chaos -- [minutes] [events/s]`: break things under load and count. `npm run chaos -- soak [minutes] [events/s]`: load alone, and
// what it does to the process. `npm run chaos -- replicas [minutes] [replicas] [events/s]`: many exporters on one PostgreSQL, the one that
// evaluates killed again and again. `npm run chaos -- retraining [jobs]`: jobs of retraining while those who do the work are killed.
// `npm run chaos -- fuzz [cases] [part]`: every decoder, every route and intake with generated input, and what memory it leaves behind;
// parts: decoders, guided (by coverage), routes, intake.
import path from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root, run } from './install.mjs';

ensureInstalled();
ensureBuilt();
const [first, ...rest] = process.argv.slice(2);
const support = path.join(root, 'exporter', 'test', 'support', 'run-typescript.cjs');
const program = (name) => path.join(root, 'exporter', 'test', 'chaos', `${name}.ts`);
if (first === 'fuzz')
  process.exitCode = run(
    process.execPath,
    [path.join(root, 'node_modules', 'jest', 'bin', 'jest.js'), `exporter/test/fuzz/${rest[1] ?? ''}`],
    { env: { ...process.env, FUZZ_CASES: rest[0] ?? '100000' } },
  );
else if (first === 'soak' || first === 'replicas' || first === 'retraining' || first === 'half-open')
  process.exitCode = run(process.execPath, [support, program(first), ...rest]);
else
  process.exitCode = run(process.execPath, [
    support,
    program('main'),
    ...(first === undefined ? [] : [first, ...rest]),
  ]);
