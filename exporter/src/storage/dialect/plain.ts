import type { Dialect } from './dialect.ts';

/** Leaves of a parent are named after their day; those detached already are known by their name alone, in the parent's schema. */
export const LEAF_DAYS = `SELECT right(c.relname, 8) AS day
  FROM pg_class p JOIN pg_class c ON c.relnamespace = p.relnamespace AND c.relkind = 'r' AND c.relname ~ ('^' || p.relname || '_p[0-9]{8}$')
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = p.oid
  WHERE p.oid = $1::regclass
    AND CASE WHEN i.inhrelid IS NULL THEN 'detached' WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END = ANY ($2::text[])
  ORDER BY day`;

/** Bytes by a function of the server that takes a leaf. A size is asked for without a lock that anybody would wait for. */
export function leafSizes(sizeOf: string): string {
  return `SELECT coalesce(${sizeOf}(to_regclass($1 || '_p' || u.day)), 0) AS bytes
  FROM unnest($2::text[]) WITH ORDINALITY AS u (day, position) ORDER BY position`;
}

/** PostgreSQL as it is. */
export const plain: Dialect = {
  name: 'plain',
  layOut: [],
  isLaidOut: null,
  makesDays: true,
  days: LEAF_DAYS,
  // Readers and writers of the other days go on.
  detach: (parent, leaf) => `ALTER TABLE ${parent} DETACH PARTITION ${leaf} CONCURRENTLY`,
  dropBefore: null,
  sizes: leafSizes('pg_total_relation_size'),
  missing: [],
};
