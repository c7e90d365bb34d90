import { createDataFrame, DataFrame, FieldType } from '@grafana/data';

export const NOW = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;

/** One series, its last value now and the others a minute apart. */
export function series(
  metric: string,
  labels: Record<string, string>,
  values: Array<number | null>,
  refId = 'A',
  end = NOW
): DataFrame {
  return createDataFrame({
    refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map((_, i) => end - (values.length - 1 - i) * MINUTE) },
      {
        name: 'Value',
        type: FieldType.number,
        values,
        labels: metric === '' ? labels : { __name__: metric, ...labels },
      },
    ],
  });
}

export function table(
  refId: string,
  labels: Record<string, string[]>,
  values: Array<number | null>,
  value = 'Value'
): DataFrame {
  return createDataFrame({
    refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map(() => NOW) },
      ...Object.entries(labels).map(([name, texts]) => ({ name, type: FieldType.string, values: texts })),
      { name: value, type: FieldType.number, values },
    ],
  });
}
