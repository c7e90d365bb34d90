import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { dashboards, fileOf, textOf } from './dashboards.ts';

for (const dashboard of dashboards())
  writeFileSync(path.join(import.meta.dirname, '..', fileOf(dashboard)), textOf(dashboard));
