import type { PoolClient } from 'pg';
import type { Counting } from '../histogram/counting.ts';
import type { BinScheme } from '../histogram/model-columns.ts';
import { MAX_CLASSES } from '../histogram/model-target.ts';
import { serialiseCounting } from './scheme-counting.ts';
import { serialiseScheme } from './scheme-payload.ts';

export interface SchemeToStore {
  readonly versionId: number;
  readonly bins: Omit<BinScheme, 'id'>;
  readonly counting: Counting;
  /** null: rows of all times are counted under it. */
  readonly countedFrom: Date | null;
}

/**
 * Returns its id. Its positive class gets a code, though no row, label or baseline may have named it yet: rows are counted by the code
 * alone, and those that answer the other class are known as such only beside one. Nobody else goes by its being there.
 */
export async function insertScheme(client: PoolClient, scheme: SchemeToStore): Promise<number> {
  const { versionId, bins, counting, countedFrom } = scheme;
  if (counting.positiveClass !== null)
    await client.query(
      `UPDATE models m SET classes = array_append(m.classes, $2), only_configured = array_append(m.only_configured, $2)
       FROM model_versions v
       WHERE v.id = $1 AND m.id = v.model_id AND $2 <> ALL (m.classes) AND cardinality(m.classes) < ${MAX_CLASSES}`,
      [versionId, counting.positiveClass],
    );
  const { rows } = await client.query<{ id: number }>(
    'INSERT INTO bin_schemes (version_id, payload, created_at, counted_from, counting) VALUES ($1, $2, clock_timestamp(), $3, $4) RETURNING id',
    [versionId, JSON.stringify(serialiseScheme(bins)), countedFrom, JSON.stringify(serialiseCounting(counting))],
  );
  return rows[0]!.id;
}
