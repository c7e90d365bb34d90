/** Values of one key that get a health of their own; the rest of them share OTHER_SEGMENT. */
export const MAX_SEGMENT_VALUES = 20;
export const OTHER_SEGMENT = '__other__';
/** In the place of a segment: all predictions of the version. */
export const WHOLE = 0;

/** Configured key of `segment` -> value -> id. Ids are given once and never change their meaning. */
export type SegmentIndex = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface Segment {
  readonly key: string;
  readonly value: string;
}

const NONE: readonly number[] = [];

/** Ids of the segments that a row counts in beside the whole: one for each configured key that it has. */
export function segmentIdsOf(index: SegmentIndex, segment: string | null | undefined): readonly number[] {
  if (index.size === 0 || segment === null || segment === undefined) return NONE;
  const ids: number[] = [];
  for (const { key, value } of valuesIn(segment, index.keys())) {
    const known = index.get(key)!;
    const id = known.get(value) ?? known.get(OTHER_SEGMENT);
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

/** Values of a row that must be registered before it can be counted; beyond the cap `__other__` is. */
export function missingSegments(index: SegmentIndex, segment: string | null): Segment[] {
  if (index.size === 0 || segment === null) return [];
  return [...valuesIn(segment, index.keys())].filter(({ key, value }) => {
    const known = index.get(key)!;
    if (known.has(value)) return false;
    return freeValues(known.keys()) > 0 || !known.has(OTHER_SEGMENT);
  });
}

/** How many more values a key may have. */
export function freeValues(values: Iterable<string>): number {
  let taken = 0;
  for (const value of values) if (value !== OTHER_SEGMENT) taken++;
  return MAX_SEGMENT_VALUES - taken;
}

/** The configured keys of a segment, as intake stored it: a flat JSON object. A number or boolean is its text. */
export function* valuesIn(segment: string, keys: Iterable<string>): IterableIterator<Segment> {
  const parsed = JSON.parse(segment) as Readonly<Record<string, string | number | boolean>>;
  for (const key of keys) if (Object.hasOwn(parsed, key)) yield { key, value: String(parsed[key]) };
}
