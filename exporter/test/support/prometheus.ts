import { expect } from '@jest/globals';
import { jsonOf } from './exporter-process.ts';

interface QueryAnswer {
  readonly status: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Record<string, string>;
      readonly value: readonly [number, string];
    }[];
  };
}

/** An instant query; `api` ends in /api/v1. */
export async function promQuery(
  api: string,
  promql: string,
): Promise<{ metric: Record<string, string>; value: number }[]> {
  const answer = await jsonOf<QueryAnswer>(await fetch(`${api}/query?query=${encodeURIComponent(promql)}`));
  expect(answer.status).toBe('success');
  return answer.data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}
