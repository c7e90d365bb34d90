import type { Dialect } from './dialect.ts';
import { LEAF_DAYS, leafSizes } from './plain.ts';

/**
 * Citus: raw rows over several servers by the id of the prediction, a label beside its prediction, so that duplicates, joins of labels
 * and recounts stay within a server. Statistics stay on the coordinator: the fold is one statement over deltas, buckets, totals and the
 * lease, which Citus does not run over tables that are distributed by different keys.
 *
 * Never run against a server.
 */
export const citus: Dialect = {
  name: 'citus',
  layOut: [
    'CREATE EXTENSION IF NOT EXISTS citus',
    "SELECT create_distributed_table('predictions', 'pid')",
    "SELECT create_distributed_table('ground_truth', 'pid', colocate_with => 'predictions')",
  ],
  isLaidOut: "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'predictions'::regclass) AS done",
  // Attached to a distributed parent, a leaf is distributed as it is.
  makesDays: true,
  days: LEAF_DAYS,
  // CONCURRENTLY is refused on distributed tables; the lock's timeout bounds how long writers may wait.
  detach: (parent, leaf) => `ALTER TABLE ${parent} DETACH PARTITION ${leaf}`,
  dropBefore: null,
  sizes: leafSizes('citus_total_relation_size'),
  missing: [
    'FOR UPDATE SKIP LOCKED of the sweep that joins labels, and ctid of deletions: distributed tables refuse both',
    'evaluations stay on the coordinator; only predictions and ground_truth are distributed',
  ],
};
