// `npm run reference`: the reference in exporter/docs, made from the code; words that people wrote stay. With --check nothing is written.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { apiReference } from './api.ts';
import { configurationReference } from './configuration.ts';
import { metricsReference } from './metrics.ts';
import { asCompared } from './tables.ts';

const DOCUMENTS: Readonly<Record<string, (document: string) => string | Promise<string>>> = {
  'metrics.md': metricsReference,
  'configuration.md': configurationReference,
  'api.md': apiReference,
};

async function write(checkOnly: boolean): Promise<void> {
  for (const [file, make] of Object.entries(DOCUMENTS)) {
    const target = path.join('exporter', 'docs', file);
    const written = readFileSync(target, 'utf8');
    const made = await make(written);
    if (!checkOnly) writeFileSync(target, made);
    else if (asCompared(made) !== asCompared(written)) {
      console.error(`${target} is not that of the code: run \`npm run reference\``);
      process.exitCode = 1;
    }
  }
}

void write(process.argv.includes('--check'));
