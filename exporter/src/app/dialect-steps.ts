import { citus } from '../storage/dialect/citus.ts';
import type { Dialect } from '../storage/dialect/dialect.ts';
import { timescale } from '../storage/dialect/timescale.ts';

const DIALECTS: ReadonlyMap<string, Dialect> = new Map([citus, timescale].map((dialect) => [dialect.name, dialect]));
/** Tables of raw rows by days, in the order in which days are let go. */
const TABLES = ['predictions', 'evaluations'];

/** `model-health-exporter dialect NAME`: its statements in the order in which they are said; null: there is none of that name. */
export function dialectSteps(name: string): string | null {
  const dialect = DIALECTS.get(name);
  if (dialect === undefined) return null;
  const { layOut, isLaidOut, makesDays, days, detach, dropBefore, sizes, missing } = dialect;
  const spread = dropBefore === null ? TABLES : ['predictions'];
  const over = spread.flatMap((table) =>
    dropBefore === null ? [detach(table, `${table}_pYYYYMMDD`), `DROP TABLE ${table}_pYYYYMMDD`] : [dropBefore(table)],
  );
  const parts: readonly (readonly [string, readonly string[]])[] = [
    [
      'Once, each outside a transaction: after the first start has made the tables, stopped again, without any row',
      layOut,
    ],
    ['Whether that was done', isLaidOut === null ? [] : [isLaidOut]],
    [`Days that are there: table $1 in states $2${makesDays ? '' : ' (the server makes them)'}`, [days]],
    ['Their bytes: table $1, days $2', [sizes]],
    ['A day that is over', over],
  ];
  return `-- ${name}: raw rows past one database server.
-- NEVER RUN AGAINST A SERVER. Written, and tested as text only; the exporter does not use it. For whoever wants to try, on data that may be lost.
-- Known to be missing:
${missing.map((line) => `--   ${line}`).join('\n')}
${parts.map(([title, statements]) => `\n-- ${title}:\n${statements.map((sql) => `${sql};\n`).join('')}`).join('')}`;
}

export const DIALECT_NAMES: readonly string[] = [...DIALECTS.keys()];
