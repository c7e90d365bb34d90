// 3,000,000 rows of Parquet become a baseline (the US flights of 2001, npm package vega-datasets, installed once): the exporter's peak of
// resident memory, from /proc, against the target of 400 MB and against what it had before.
import { createReadStream, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { startDemoExporter } from '../demo/exporter.ts';
import { installDataset } from '../demo/flights/dataset.ts';

const packageFolder = path.resolve(import.meta.dirname, '..', '..');
const file = installDataset(packageFolder);

const exporter = await startDemoExporter(packageFolder, ['--web.listen-address=127.0.0.1:0']);
try {
  const before = residentMb(exporter.pid, 'VmRSS');
  const began = performance.now();
  const response = await fetch(`${exporter.url}/api/ml/models/flights/baseline?version=1&map=label:delay`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.apache.parquet' },
    body: Readable.toWeb(createReadStream(file)) as ReadableStream,
    duplex: 'half',
  });
  const seconds = (performance.now() - began) / 1_000;
  const reply = (await response.json()) as { readonly rows: number };
  if (response.status !== 200) throw new Error(`answered ${response.status}: ${JSON.stringify(reply)}`);
  const peak = residentMb(exporter.pid, 'VmHWM');
  console.log(`rows                           ${reply.rows.toLocaleString('en')}`);
  console.log(`file                           ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  console.log(`time                           ${seconds.toFixed(1)} s`);
  console.log(`resident before                ${before.toFixed(0)} MB`);
  console.log(`peak of resident memory        ${peak.toFixed(0)} MB, target 400 MB (ratio ${(peak / 400).toFixed(2)})`);
} finally {
  await exporter.stop();
}

function residentMb(pid: number, key: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1_024) / 1e6;
}
