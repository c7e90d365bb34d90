import { DataFrame, FieldType } from '@grafana/data';

/** One series, or one row of a table. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** Where a metric's name may be found, most trusted first. */
  readonly names: readonly string[];
  /** Milliseconds; null when the frame has no time. */
  readonly times: readonly number[] | null;
  readonly values: ReadonlyArray<number | null>;
  readonly place: Place;
}

/** Where a value lies in the data, for its links and its field's settings. */
export interface Place {
  readonly frame: number;
  readonly field: number;
  readonly row: number;
}

/** Both shapes of a Prometheus answer: a frame a series with labels on the value, or tables whose text columns are the labels. */
export function readSamples(frames: readonly DataFrame[]): Sample[] {
  return frames.flatMap((frame, index) =>
    frame.fields.some(({ type, labels }) => type === FieldType.number && labels !== undefined) ||
    !frame.fields.some(({ type }) => type === FieldType.string)
      ? readSeries(frame, index)
      : readTable(frame, index)
  );
}

function readSeries(frame: DataFrame, index: number): Sample[] {
  const times = frame.fields.find(({ type }) => type === FieldType.time)?.values ?? null;
  return frame.fields.flatMap((field, f) => {
    if (field.type !== FieldType.number) {
      return [];
    }
    const labels = field.labels ?? {};
    const names = [labels.__name__, field.config.displayNameFromDS, field.name, frame.name, frame.refId];
    return [
      {
        labels,
        names: names.filter((name): name is string => name !== undefined),
        times,
        values: field.values,
        place: { frame: index, field: f, row: frame.length - 1 },
      },
    ];
  });
}

function readTable(frame: DataFrame, index: number): Sample[] {
  const texts = frame.fields.filter(({ type }) => type === FieldType.string);
  const times = frame.fields.find(({ type }) => type === FieldType.time)?.values;
  const samples: Sample[] = [];
  for (let row = 0; row < frame.length; row++) {
    const labels: Record<string, string> = {};
    for (const { name, values } of texts) {
      const value: unknown = values[row];
      if (value !== null && value !== undefined && value !== '') {
        labels[name] = String(value);
      }
    }
    frame.fields.forEach((field, f) => {
      if (field.type === FieldType.number) {
        const names = [labels.__name__, field.name.replace(/^Value #/, ''), frame.name, frame.refId];
        samples.push({
          labels,
          names: names.filter((name): name is string => name !== undefined),
          times: times === undefined ? null : [times[row]],
          values: [field.values[row]],
          place: { frame: index, field: f, row },
        });
      }
    });
  }
  return samples;
}

/** The last finite value; null when there is none. */
export function lastOf(values: ReadonlyArray<number | null>): number | null {
  const at = lastIndexOf(values);
  return at < 0 ? null : values[at];
}

export function lastIndexOf(values: ReadonlyArray<number | null>): number {
  return values.findLastIndex((value) => typeof value === 'number' && Number.isFinite(value));
}
