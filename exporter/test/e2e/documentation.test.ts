import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { hasPython, PYTHON } from '../support/python.ts';
import { temporaryFolder } from '../support/test-server.ts';

const ROOT = path.resolve(__dirname, '..', '..', '..');
const DOCS = path.join(ROOT, 'exporter', 'docs');
const FAST = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];
/** Written for people at a terminal of their own; other tests start the exporter so. */
const STARTS = ['npm start'];
/** Of the README, which begins with installing and testing all this: commands that would do that again. */
const WHOLE_REPOSITORY = /^npm (start|test|run)\b/;
const ALL = [path.join(ROOT, 'README.md'), ...markdown(DOCS)];
/** For an installation that has data to be moved, restored or thrown away. */
const OF_AN_INSTALLATION: readonly string[] = ['operations.md'];
/** Every page with something to run; and all how-tos, whose YAML must be YAML. */
const RUN = ALL.filter((file) => file.includes('how-to') || /^```(sh|console)$/m.test(readFileSync(file, 'utf8')))
  .map((file) => path.relative(DOCS, file))
  .filter((file) => !OF_AN_INSTALLATION.includes(file));
/** Commands of other documents, which are not run here, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'CONTRIBUTING.md': 'they run all tests, this one among them',
  'alerting-rules/README.md': 'alerting-rules/tests/routes.test.ts renders the set that is committed',
  'alerting-rules/runbooks':
    'amtool with a <model> to be filled in; alerting-rules/tests/rules.test.ts looks at each runbook',
  'dashboards/README.md':
    'docker is not at hand: dashboards/src checks the compose file; dashboards/host/test runs npm run dashboards',
  'grafana-plugin/README.md': 'the runner of the plug-in does the same',
};

/** For the README's upload of a baseline. */
const REFERENCE = `tenure_months,region,prediction,score,left\n${'34,north,1,0.82,1\n12,south,0,0.3,0\n'.repeat(300)}`;

interface Block {
  readonly language: string;
  /** File that the text says to save it as; '' for none. */
  readonly file: string;
  readonly text: string;
}

function markdown(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join(folder, file));
}

function blocksOf(file: string): Block[] {
  const fences = /^```(\w+)(?: (\S+))?\n(.*?)^```$/gms;
  return [...readFileSync(file, 'utf8').matchAll(fences)].map(([, language, name = '', text]) => ({
    language: language!,
    file: name,
    text: text!,
  }));
}

(hasPython ? describe : describe.skip)('documentation', () => {
  const dataPath = temporaryFolder();
  let exporter: ExporterProcess;
  beforeAll(async () => {
    exporter = await startExporter({ dataPath, flags: FAST });
  });
  afterAll(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });

  test.each(RUN)(
    'every command of %s runs',
    async (file) => {
      const folder = temporaryFolder();
      const here = (text: string) => text.replaceAll('127.0.0.1:9477', new URL(exporter.baseUrl).host);
      copyFileSync(
        path.join(ROOT, 'exporter', 'client', 'python', 'model_monitor.py'),
        path.join(folder, 'model_monitor.py'),
      );
      writeFileSync(path.join(folder, 'reference.csv'), REFERENCE);
      try {
        const commands: string[] = [];
        for (const { language, file: name, text } of blocksOf(path.join(DOCS, file))) {
          if (name !== '') writeFileSync(path.join(folder, name), here(text));
          else if (language === 'sh' && !WHOLE_REPOSITORY.test(text)) commands.push(here(text));
          else if (language === 'python' && file === '../../README.md')
            commands.push(`python3 <<'END'\n${here(text)}END`);
          else if (language === 'console') expect(STARTS).toContain(text.trim());
          else if (language === 'yaml')
            for (const document of parseAllDocuments(text)) expect(document.errors).toEqual([]);
        }
        const env = { PATH: `${path.dirname(PYTHON)}:${process.env.PATH ?? ''}` };
        const script = ['--norc', '-euo', 'pipefail', '-c', commands.join('\n')];
        // What curl was answered is in the standard output: without it a failure says nothing.
        const failure = await promisify(execFile)('bash', script, { cwd: folder, env, timeout: 180_000 }).then(
          () => null,
          (error: unknown) => {
            const { message, stdout } = error as Error & { stdout: string };
            return `${message}\n${stdout}`;
          },
        );
        expect(failure).toBeNull();
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    200_000,
  );

  test('documents elsewhere whose commands are not run here are named, with the reason', () => {
    const others = ['.', 'alerting-rules', 'alerting-rules/runbooks', 'dashboards', 'grafana-plugin']
      .flatMap((folder) => readdirSync(path.join(ROOT, folder)).map((file) => path.join(folder, file)))
      .filter((file) => file.endsWith('.md') && file !== 'README.md' && !file.endsWith('CHANGELOG.md'))
      .filter((file) => /^```(sh|console|bash)$/m.test(readFileSync(path.join(ROOT, file), 'utf8')))
      .map((file) => (file.startsWith('alerting-rules/runbooks') ? 'alerting-rules/runbooks' : file));
    expect([...new Set(others)].sort()).toEqual(Object.keys(ELSEWHERE).sort());
  });

  test.each(ALL.map((file) => path.relative(ROOT, file)))('every link of %s leads somewhere', (file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8').replaceAll(/^```.*?^```$/gms, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1]!)
      .filter((link) => !/^[a-z]+:/.test(link));
    const missing = links.filter((link) => {
      const [target = '', anchor] = link.split('#');
      const where = target === '' ? path.join(ROOT, file) : path.resolve(path.dirname(path.join(ROOT, file)), target);
      if (!existsSync(where)) return true;
      if (anchor === undefined || !where.endsWith('.md')) return false;
      const anchors = [...readFileSync(where, 'utf8').matchAll(/^#+ (.+)$/gm)].map((match) =>
        match[1]!
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(/\s/g, '-'),
      );
      return !anchors.includes(anchor);
    });
    expect(missing).toEqual([]);
  });
});
