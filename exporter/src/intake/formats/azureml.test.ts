import { describe, expect, test } from '@jest/globals';
import { senderFile } from '../../../test/support/sender-events.ts';
import { decodeAzureMl } from './azureml.ts';
import type { ForeignOptions } from './foreign-events.ts';

const OPTIONS: ForeignOptions = { model: null, version: null, features: null, classes: null, output: 'prediction' };

describe('Azure ML', () => {
  test('inputs and outputs are halves of one request; the source names model and version', () => {
    const { halves, errors } = decodeAzureMl(senderFile('azureml.jsonl'), OPTIONS);
    expect(errors).toEqual([]);
    const common = { model: 'credit-default', version: 'main2', id: '05081145-aaaa-4876-80eb-1fd6a8975770' };
    expect(halves).toMatchObject([
      {
        index: 0,
        half: {
          ...common,
          side: 'request',
          inputs: {
            names: null,
            rows: [
              { LIMIT_BAL: 502970, AGE: 54, EDUCATION: 'university' },
              { LIMIT_BAL: 293458, AGE: 35, EDUCATION: null },
            ],
          },
        },
      },
      { index: 1, half: { ...common, side: 'response', outcomes: [{ prediction: 1 }, { prediction: 0 }] } },
    ]);
    expect(halves[0]!.key).toBe(halves[1]!.key);
  });

  test.each<readonly [string, Readonly<Record<string, unknown>>, string]>([
    ['no correlation', { correlationid: undefined }, '/correlationid'],
    ['data that are no list', { data: {} }, '/data'],
    ['another type', { type: 'azureml.inference.request' }, '/type'],
    ['no endpoint', { source: '/somewhere' }, '/source'],
  ])('%s is an error of its line', (_name, change, pointer) => {
    const [line] = senderFile('azureml.jsonl').toString('utf8').split('\n');
    const event = { ...(JSON.parse(line!) as object), ...change };
    expect(decodeAzureMl(Buffer.from(JSON.stringify(event)), OPTIONS).errors).toMatchObject([{ index: 0, pointer }]);
  });
});
