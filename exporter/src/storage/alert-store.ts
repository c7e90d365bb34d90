import type { Pool } from 'pg';
import type { AlertFilter, AlertNotification, AlertVerdict, StoredAlert } from '../domain/alert.ts';
import { severityWord } from '../domain/alert.ts';
import { ServiceError } from '../domain/service-error.ts';
import { asServiceError } from './database-errors.ts';
import { transaction } from './pool.ts';

export interface AlertPage {
  readonly alerts: readonly StoredAlert[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

interface AlertRow {
  readonly id: string;
  readonly fingerprint: string;
  readonly alertname: string;
  readonly severity: string;
  readonly model: string;
  readonly version: string;
  readonly check_name: string;
  readonly status: StoredAlert['status'];
  readonly starts_at: Date;
  readonly ends_at: Date | null;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly suppressed: StoredAlert['suppressed'];
  readonly received_at: Date;
  readonly acknowledged_at: Date | null;
  readonly acknowledged_by: string | null;
  readonly acknowledge_note: string | null;
  readonly verdict: AlertVerdict['verdict'] | null;
  readonly source: AlertVerdict['source'];
  readonly decided_by: string;
  readonly note: string;
  readonly decided_at: Date;
}

const SELECT = `
  SELECT a.id, a.fingerprint, a.alertname, a.severity, a.model, a.version, a.check_name, a.status, a.starts_at, a.ends_at, a.labels,
    a.annotations, a.suppressed, a.received_at, a.acknowledged_at, a.acknowledged_by, a.acknowledge_note,
    v.verdict, v.source, v.decided_by, v.note, v.decided_at
  FROM alerts a LEFT JOIN LATERAL (
    SELECT verdict, source, decided_by, note, decided_at FROM alert_verdicts WHERE alert_id = a.id
    ORDER BY source = 'person' DESC, id DESC LIMIT 1
  ) v ON true`;

/** The history of alerts. Statements rely on unique (fingerprint, starts_at) and on the (starts_at, id) indexes of the migration. */
export class AlertStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /**
   * Stores notifications of different incidents, all or none. An end is final: a "firing" that was overtaken by its "resolved" changes
   * nothing, and of two ends, one of them concluded from what came after, the earlier counts. Rows are locked in the order of their key, so that two deliveries of the same message cannot deadlock.
   */
  async record(notifications: readonly AlertNotification[], nowMs: number): Promise<readonly AlertNotification[]> {
    const sorted = [...notifications].sort(
      (a, b) => a.startsAtMs - b.startsAtMs || (a.fingerprint < b.fingerprint ? -1 : 1),
    );
    const column = <T>(of: (one: AlertNotification) => T) => sorted.map(of);
    const label = (name: string) => column(({ labels }) => labels[name] ?? '');
    const now = new Date(nowMs);
    return this.guarded(() =>
      transaction(
        this.pool,
        async (client) => {
          const { rows } = await client.query<{ id: string; fingerprint: string; starts_at: Date }>(
            `INSERT INTO alerts AS a (fingerprint, starts_at, ends_at, status, alertname, severity, model, version, check_name, labels,
               annotations, generator_url, suppressed, received_at, seen_at)
             SELECT *, $14::timestamptz, $14::timestamptz FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[],
               $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::jsonb[], $12::text[], $13::text[])
             ON CONFLICT (fingerprint, starts_at) DO UPDATE SET
               status = CASE WHEN a.status = 'resolved' THEN a.status ELSE excluded.status END,
               ends_at = least(a.ends_at, excluded.ends_at),
               annotations = CASE WHEN a.status = 'resolved' OR excluded.annotations = '{}' THEN a.annotations ELSE excluded.annotations END,
               suppressed = CASE
                 WHEN EXISTS (SELECT FROM alert_notifications n WHERE n.alert_id = a.id AND n.status = 'firing') THEN NULL
                 ELSE coalesce(excluded.suppressed, a.suppressed) END,
               seen_at = greatest(a.seen_at, excluded.seen_at)
             RETURNING a.id, a.fingerprint, a.starts_at`,
            [
              column((one) => one.fingerprint),
              column((one) => new Date(one.startsAtMs)),
              column((one) => (one.endsAtMs === null ? null : new Date(one.endsAtMs))),
              column((one) => one.status),
              label('alertname'),
              column(({ labels }) => severityWord(labels.severity ?? '')),
              label('model'),
              label('version'),
              label('check'),
              column(({ labels }) => JSON.stringify(labels)),
              column(({ annotations }) => JSON.stringify(annotations)),
              column((one) => one.generatorUrl),
              column((one) => one.suppressed),
              now,
            ],
          );
          // One alert does not fire twice at once. When it ends and fires again before Alertmanager's next message, its end is never told.
          await client.query(
            `UPDATE alerts a SET status = 'resolved', ends_at = next.starts_at
             FROM alerts next
             WHERE a.fingerprint = ANY ($1::text[]) AND a.status = 'firing' AND next.fingerprint = a.fingerprint
               AND next.starts_at = (SELECT min(n.starts_at) FROM alerts n
                                     WHERE n.fingerprint = a.fingerprint AND n.starts_at > a.starts_at)`,
            [column((one) => one.fingerprint)],
          );
          const ids = new Map(rows.map((row) => [`${row.fingerprint}\0${row.starts_at.getTime()}`, row.id]));
          const idOf = (one: AlertNotification) => ids.get(`${one.fingerprint}\0${one.startsAtMs}`)!;
          const heard = sorted.filter(({ receiver }) => receiver !== null);
          const { rows: fresh } = await client.query<{ alert_id: string; status: string }>(
            `INSERT INTO alert_notifications (alert_id, status, receiver, received_at)
             SELECT *, $4::timestamptz FROM unnest($1::bigint[], $2::text[], $3::text[])
             ON CONFLICT DO NOTHING RETURNING alert_id, status`,
            [heard.map(idOf), heard.map(({ status }) => status), heard.map(({ receiver }) => receiver), now],
          );
          // Now somebody was told. An end alone is no news of an alert that was muted while it fired.
          await client.query(
            'UPDATE alerts SET suppressed = NULL WHERE id = ANY ($1::bigint[]) AND suppressed IS NOT NULL',
            [fresh.filter(({ status }) => status === 'firing').map((row) => row.alert_id)],
          );
          const news = new Set(fresh.map((row) => `${row.alert_id}\0${row.status}`));
          return heard.filter((one) => news.has(`${idOf(one)}\0${one.status}`));
        },
        { attempts: 3 },
      ),
    );
  }

  /** Newest first. `cursor` is the `next` of the page before. */
  async list(filter: AlertFilter, limit: number, cursor?: string): Promise<AlertPage> {
    const after = cursor === undefined ? null : readCursor(cursor);
    const { rows } = await this.guarded(() =>
      this.pool.query<AlertRow>(
        `${SELECT}
         WHERE ($1::text IS NULL OR a.status = $1) AND ($2::text IS NULL OR a.model = $2) AND ($3::text IS NULL OR a.severity = $3)
           AND ($4::timestamptz IS NULL OR a.starts_at >= $4) AND ($5::timestamptz IS NULL OR a.starts_at < $5)
           AND ($6::timestamptz IS NULL OR (a.starts_at, a.id) < ($6, $7::bigint))
         ORDER BY a.starts_at DESC, a.id DESC LIMIT $8`,
        [
          filter.status ?? null,
          filter.model ?? null,
          filter.severity ?? null,
          dateOrNull(filter.fromMs),
          dateOrNull(filter.toMs),
          after === null ? null : new Date(after.startsAtMs),
          after?.id ?? null,
          limit + 1,
        ],
      ),
    );
    const alerts = rows.slice(0, limit).map(storedAlert);
    const last = alerts.at(-1);
    return {
      alerts,
      next: rows.length > limit && last !== undefined ? `${last.startsAtMs}-${last.id}` : null,
    };
  }

  async get(id: string): Promise<StoredAlert> {
    const known = /^\d{1,18}$/.test(id);
    const { rows } = known
      ? await this.guarded(() => this.pool.query<AlertRow>(`${SELECT} WHERE a.id = $1`, [id]))
      : { rows: [] };
    const [row] = rows;
    if (row === undefined) throw new ServiceError('not_found', 'There is no such alert.');
    return storedAlert(row);
  }

  /** The first to acknowledge counts. Returns the seconds since the alert began, null when it had been acknowledged before. */
  async acknowledge(id: string, by: string, note: string, nowMs: number): Promise<number | null> {
    const { rows } = await this.guarded(() =>
      this.pool.query<{ starts_at: Date }>(
        `UPDATE alerts SET acknowledged_at = $2, acknowledged_by = $3, acknowledge_note = $4
         WHERE id = $1 AND acknowledged_at IS NULL RETURNING starts_at`,
        [id, new Date(nowMs), by, note],
      ),
    );
    return rows[0] === undefined ? null : Math.max(0, nowMs - rows[0].starts_at.getTime()) / 1000;
  }

  async decide(id: string, verdict: AlertVerdict): Promise<void> {
    await this.guarded(() =>
      this.pool.query(
        `INSERT INTO alert_verdicts (alert_id, verdict, source, decided_by, note, decided_at) VALUES ($1, $2, $3, $4, $5, $6)`,
        [id, verdict.verdict, verdict.source, verdict.decidedBy, verdict.note, new Date(verdict.decidedAtMs)],
      ),
    );
  }

  /** Alerts of `checks` that ended in [fromMs, toMs) and that labels have not judged. Few: it goes through the ends of some days. */
  async unjudged(
    checks: readonly string[],
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<readonly StoredAlert[]> {
    const { rows } = await this.guarded(() =>
      this.pool.query<AlertRow>(
        `${SELECT}
         WHERE a.check_name = ANY ($1) AND a.model <> '' AND a.ends_at >= $2 AND a.ends_at < $3
           AND NOT EXISTS (SELECT FROM alert_verdicts j WHERE j.alert_id = a.id AND j.source = 'labels')
         ORDER BY a.ends_at LIMIT $4`,
        [checks, new Date(fromMs), new Date(toMs), limit],
      ),
    );
    return rows.map(storedAlert);
  }

  /**
   * Ends what Alertmanager, asked at `askedMs`, no longer knows of: at once when nobody was told of it, for nobody will be told of its
   * end; what was told only when it has not been seen since `toldSeenBeforeMs`, for its end is usually on its way. Returns how many.
   */
  async endUnseen(askedMs: number, toldSeenBeforeMs: number): Promise<number> {
    const { rowCount } = await this.guarded(() =>
      this.pool.query(
        `UPDATE alerts a SET status = 'resolved', ends_at = greatest(starts_at, $1)
         WHERE status = 'firing' AND seen_at < $1
           AND (seen_at < $2 OR NOT EXISTS (SELECT FROM alert_notifications n WHERE n.alert_id = a.id))`,
        [new Date(askedMs), new Date(toldSeenBeforeMs)],
      ),
    );
    return rowCount ?? 0;
  }

  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asServiceError(error);
    }
  }
}

function readCursor(cursor: string): { readonly startsAtMs: number; readonly id: string } {
  const [, startsAt, id] = /^(\d{1,15})-(\d{1,18})$/.exec(cursor) ?? [];
  if (startsAt === undefined || id === undefined)
    throw new ServiceError('invalid', 'cursor must be the `next` of the page before.', {
      fields: [{ pointer: '/cursor', detail: 'is not a cursor' }],
    });
  return { startsAtMs: Number(startsAt), id };
}

function storedAlert(row: AlertRow): StoredAlert {
  return {
    id: row.id,
    fingerprint: row.fingerprint,
    alertname: row.alertname,
    severity: row.severity,
    model: row.model,
    version: row.version,
    check: row.check_name,
    status: row.status,
    startsAtMs: row.starts_at.getTime(),
    endsAtMs: row.ends_at?.getTime() ?? null,
    labels: row.labels,
    annotations: row.annotations,
    suppressed: row.suppressed,
    receivedAtMs: row.received_at.getTime(),
    acknowledged:
      row.acknowledged_at === null
        ? null
        : { by: row.acknowledged_by ?? '', atMs: row.acknowledged_at.getTime(), note: row.acknowledge_note ?? '' },
    verdict:
      row.verdict === null
        ? null
        : {
            verdict: row.verdict,
            source: row.source,
            decidedBy: row.decided_by,
            note: row.note,
            decidedAtMs: row.decided_at.getTime(),
          },
  };
}

function dateOrNull(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}
