import { describe, expect, test } from '@jest/globals';
import { silentLog } from '../../test/support/silent-log.ts';
import { Silence } from './silence.ts';

const SILENT = new Error('Query read timeout');
const coded = (code: string) => Object.assign(new Error('no'), { code });

/** What was done to the pool, in turn. */
function scene() {
  const done: string[] = [];
  const silence = new Silence({ sever: () => done.push('sever'), mend: () => done.push('mend') }, silentLog);
  const ask = (outcome: Error | null) =>
    silence
      .during(() => (outcome === null ? Promise.resolve() : Promise.reject(outcome)))
      .catch((error: unknown) => expect(error).toBe(outcome));
  return { done, silence, ask };
}

describe('Silence', () => {
  test.each<[string, readonly (Error | null)[], readonly string[]]>([
    ['answers', [null, null, null], []],
    ['one question without an answer', [SILENT, null, SILENT, null], []],
    ['two in a row', [null, SILENT, SILENT], ['sever']],
    ['more of them', [SILENT, SILENT, SILENT, SILENT], ['sever']],
    ['an answer after them', [SILENT, SILENT, SILENT, null, null], ['sever', 'mend']],
    ['it falls silent again', [SILENT, SILENT, null, SILENT, SILENT], ['sever', 'mend', 'sever']],
    ['an error of the database is an answer', [SILENT, coded('57014'), SILENT], []],
    ['a refusal is an answer', [SILENT, SILENT, coded('ECONNREFUSED')], ['sever', 'mend']],
    ['no way there', [coded('EHOSTUNREACH'), coded('ETIMEDOUT')], ['sever']],
    ['no connection in time', [SILENT, new Error('Connection terminated due to connection timeout')], ['sever']],
  ])('%s', async (_name, outcomes, expected) => {
    const { done, ask } = scene();
    for (const outcome of outcomes) await ask(outcome);
    expect(done).toEqual(expected);
  });

  test('two that are asked at once do not confirm each other', async () => {
    const { done, ask } = scene();
    await Promise.all([ask(SILENT), ask(SILENT), ask(SILENT)]);
    expect(done).toEqual([]);
    await ask(SILENT);
    expect(done).toEqual(['sever']);
  });
});
