import type { PoolClient } from 'pg';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import { freeValues, missingSegments, OTHER_SEGMENT } from '../histogram/segments.ts';
import type { Segment, SegmentIndex } from '../histogram/segments.ts';

/** Values of a key while it may have more, then `__other__`. The model's row is locked: one at a time. */
export async function appendSegments(
  client: PoolClient,
  modelId: number,
  key: string,
  wanted: ReadonlySet<string>,
): Promise<void> {
  const { rows } = await client.query<{ value: string }>(
    'SELECT value FROM segments WHERE model_id = $1 AND key = $2',
    [modelId, key],
  );
  const known = new Set(rows.map(({ value }) => value));
  const fresh = [...wanted].filter((value) => !known.has(value));
  const free = freeValues(known);
  const values = [...fresh.slice(0, free), ...(fresh.length > free ? [OTHER_SEGMENT] : [])];
  if (values.length === 0) return;
  await client.query(
    'INSERT INTO segments (model_id, key, value) SELECT $1, $2, v FROM unnest($3::text[]) AS v ON CONFLICT DO NOTHING',
    [modelId, key, values],
  );
}

/** One for all models without: see SharedDictionaries. */
const NO_SEGMENTS: SegmentIndex = new Map();

/** What rows are counted by: every configured key, with the values it has so far. */
export function segmentIndex(keys: readonly string[], segments: ReadonlyMap<number, Segment>): SegmentIndex {
  if (keys.length === 0) return NO_SEGMENTS;
  const index = new Map<string, Map<string, number>>(keys.map((key) => [key, new Map()]));
  for (const [id, { key, value }] of segments) index.get(key)?.set(value, id);
  return index;
}

/**
 * What has to be registered before rows can be counted by the keys of their targets.
 *
 * @param segments of each row, as intake stored it
 */
export function unregisteredSegments(
  targets: readonly ModelTarget[],
  segments: readonly (string | null)[],
): readonly TargetWant[] {
  const wants = new Map<number, Omit<TargetWant, 'segments'> & { readonly segments: Map<string, Set<string>> }>();
  for (const [i, target] of targets.entries())
    for (const { key, value } of missingSegments(target.segments, segments[i] ?? null)) {
      const { modelId, model, version } = target;
      let want = wants.get(target.versionId);
      if (want === undefined) {
        want = {
          modelId,
          model,
          version,
          features: new Map(),
          classes: new Set(),
          errorReasons: new Set(),
          segments: new Map(),
        };
        wants.set(target.versionId, want);
      }
      want.segments.set(key, (want.segments.get(key) ?? new Set()).add(value));
    }
  return [...wants.values()];
}
