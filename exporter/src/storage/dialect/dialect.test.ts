import { describe, expect, test } from '@jest/globals';
import { citus } from './citus.ts';
import type { Dialect } from './dialect.ts';
import { plain } from './plain.ts';
import { timescale } from './timescale.ts';

describe.each<[string, Dialect]>([
  ['plain', plain],
  ['citus', citus],
  ['timescale', timescale],
])('%s', (name, dialect) => {
  test('says who it is, and takes exactly the parameters that it is given', () => {
    expect(dialect.name).toBe(name);
    const parameters = (sql: string) => [...new Set(sql.match(/\$\d/g) ?? [])].sort();
    expect(parameters(dialect.days)).toEqual(['$1', '$2']);
    expect(parameters(dialect.sizes)).toEqual(['$1', '$2']);
    for (const statement of dialect.layOut) expect(parameters(statement)).toEqual([]);
    if (dialect.dropBefore !== null) expect(parameters(dialect.dropBefore('predictions'))).toEqual(['$1']);
    expect(dialect.layOut.length > 0).toBe(dialect.isLaidOut !== null);
  });

  test('one statement each', () => {
    for (const sql of [...dialect.layOut, dialect.days, dialect.sizes]) expect(sql).not.toContain(';');
  });
});

describe('what differs', () => {
  test('plain detaches while readers and writers go on', () => {
    expect(plain.detach('predictions', 'predictions_p20260131')).toBe(
      'ALTER TABLE predictions DETACH PARTITION predictions_p20260131 CONCURRENTLY',
    );
    expect(plain.layOut).toEqual([]);
  });

  test('citus puts a label beside its prediction, and takes leaves out as it can', () => {
    expect(citus.layOut).toEqual([
      'CREATE EXTENSION IF NOT EXISTS citus',
      "SELECT create_distributed_table('predictions', 'pid')",
      "SELECT create_distributed_table('ground_truth', 'pid', colocate_with => 'predictions')",
    ]);
    expect(citus.detach('predictions', 'predictions_p20260131')).toBe(
      'ALTER TABLE predictions DETACH PARTITION predictions_p20260131',
    );
    expect(citus.sizes).toContain('citus_total_relation_size(to_regclass(');
    expect(citus.days).toBe(plain.days);
  });

  test('timescale makes a hypertable of daily chunks with the time in its unique index, and drops chunks', () => {
    expect(timescale.layOut[3]).toBe(
      "SELECT create_hypertable('predictions', by_range('ts', INTERVAL '1 day'), create_default_indexes => false)",
    );
    expect(timescale.layOut[4]).toBe('CREATE UNIQUE INDEX predictions_pid ON predictions (pid, model_id, ts)');
    expect(timescale.makesDays).toBe(false);
    expect(timescale.dropBefore!('predictions')).toBe(
      "SELECT drop_chunks('predictions', older_than => $1::timestamptz)",
    );
    expect(() => timescale.detach('predictions', 'x')).toThrow('never detached');
  });
});
