import { describe, expect, test } from '@jest/globals';
import { DIALECT_NAMES, dialectSteps } from './dialect-steps.ts';

describe.each(DIALECT_NAMES)('%s', (name) => {
  const text = dialectSteps(name)!;
  const statements = text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n')
    .split(';')
    .map((sql) => sql.trim())
    .filter((sql) => sql !== '');

  test('says that nobody has run it, and what is missing', () => {
    expect(text).toContain('NEVER RUN AGAINST A SERVER');
    expect(text).toMatch(/Known to be missing:\n-- {3}\S/);
  });

  test('is nothing but comments and whole statements', () => {
    expect(statements.length).toBeGreaterThan(5);
    for (const sql of statements) expect(sql).toMatch(/^(CREATE|SELECT|ALTER TABLE|DROP TABLE) /);
  });
});

test('the extension comes before what it is needed for', () => {
  const text = dialectSteps('citus')!;
  expect(text.indexOf('CREATE EXTENSION')).toBeLessThan(text.indexOf('create_distributed_table'));
  expect(text).toContain('ALTER TABLE predictions DETACH PARTITION predictions_pYYYYMMDD;');
});

test('another name is none', () => {
  expect(dialectSteps('mysql')).toBeNull();
});
