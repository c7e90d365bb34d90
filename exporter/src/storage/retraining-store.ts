import { randomUUID } from 'node:crypto';
import type { Pool, QueryResult } from 'pg';
import { JOB_OUTCOMES } from '../domain/retraining.ts';
import type { Job, JobEvent, JobFacts, JobOutcome, JobRequest, JobState, ToldJob } from '../domain/retraining.ts';
import { ServiceError } from '../domain/service-error.ts';
import { asServiceError } from './database-errors.ts';
import { transaction } from './pool.ts';

/** A job in the hands of one worker: what it writes counts only as long as nobody else has claimed the job since. */
export interface ClaimedJob extends Job {
  readonly fence: number;
  readonly wakes: number;
}

/** What one step of a job comes to: another state, or the same one and when to look again. Facts are laid over the job's own, key by key. */
export interface JobWrite {
  readonly to: JobState;
  readonly attempt: number;
  readonly facts: JobFacts;
  readonly runAfterMs: number;
  /** What is told of it; null: nothing. */
  readonly event: { readonly kind: string; readonly detail: Readonly<Record<string, unknown>> } | null;
  /** SHA-256 of the token for the trainer; undefined: as it is. */
  readonly tokenHash?: Buffer;
}

export interface JobOfModel {
  readonly state: JobState;
  readonly finishedAtMs: number;
}

/** The end of an attempt as it was told from outside. */
export interface ToldEnd {
  readonly kind: 'completed' | 'failed';
  readonly data: Readonly<Record<string, unknown>>;
}

export interface CallbackJob {
  readonly model: string;
  readonly attempt: number;
  readonly tokenHash: Buffer | null;
  readonly candidateVersion: string;
}

export interface CallbackMessage {
  readonly jobId: string;
  readonly attempt: number;
  readonly seq: number;
  readonly messageId: string;
  readonly kind: 'retrain.progress' | 'retrain.completed' | 'retrain.failed';
  readonly detail: Readonly<Record<string, unknown>>;
}

export type RecordedCallback =
  | { readonly kind: 'recorded' | 'duplicate' | 'ignored'; readonly cancel: boolean }
  | { readonly kind: 'superseded' | 'ended' };

interface CallbackState {
  readonly attempt: number;
  readonly state: JobState;
  readonly cancel: boolean;
  readonly fence: string;
  /** Kind of the message with this id, when it came before. */
  readonly known: string | null;
  readonly ends: number;
  readonly seq: number | null;
}

const COLUMNS = `j.id, m.name AS model, j.model_id, j.state, j.trigger, j.requested_by, j.reasons, j.champion, j.shadow, j.paused,
  j.cancelled_by, j.attempt, j.facts, j.fence, j.wakes, j.created_at, j.finished_at`;

/** Jobs and their events. Whatever changes a state is one statement that writes the event, too. */
export class RetrainingStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /**
   * The job under way where there is one, else a new one. Of concurrent requests one comes first: the model's row is locked (not against
   * intake, which only needs its key), and so is the newest job's, which cannot end meanwhile. ServiceError not_found; conflict where a job
   * has ended since the request was considered. Index retraining_jobs_by_model.
   */
  async request(request: JobRequest, nowMs: number): Promise<{ readonly jobId: string; readonly created: boolean }> {
    return transaction(this.pool, async (client) => {
      const { rows: models } = await client.query<{ id: number }>(
        'SELECT id FROM models WHERE name = $1 FOR NO KEY UPDATE',
        [request.model],
      );
      const modelId = models[0]?.id;
      if (modelId === undefined)
        throw new ServiceError('not_found', `There is no model ${JSON.stringify(request.model)}.`);
      const { rows: jobs } = await client.query<{ id: string; finished_at: Date | null }>(
        'SELECT id, finished_at FROM retraining_jobs WHERE model_id = $1 ORDER BY finished_at DESC NULLS FIRST LIMIT 1 FOR UPDATE',
        [modelId],
      );
      const newest = jobs[0];
      if (newest?.finished_at === null) return { jobId: newest.id, created: false };
      if (newest !== undefined && !(newest.finished_at.getTime() <= request.lastEndMs))
        throw new ServiceError('conflict', `A job of ${JSON.stringify(request.model)} has just ended; ask again.`);
      const jobId = randomUUID();
      await client.query(
        `WITH created AS (
           INSERT INTO retraining_jobs (id, model_id, state, trigger, requested_by, reasons, champion, shadow, created_at)
           VALUES ($1, $2, 'queued', $3, $4, $5, $6, $7, $8) RETURNING id, created_at, requested_by
         )
         INSERT INTO retraining_events (job_id, at, kind, to_state, actor, fence)
         SELECT id, created_at, 'transition', 'queued', requested_by, 0 FROM created`,
        [
          jobId,
          modelId,
          request.trigger,
          request.requestedBy,
          JSON.stringify(request.reasons),
          JSON.stringify(request.champion),
          request.shadow,
          new Date(nowMs),
        ],
      );
      return { jobId, created: true };
    }).catch((error: unknown) => {
      throw asServiceError(error);
    });
  }

  /**
   * The next job that nobody works on, for `leaseMs` of the database's clock; null: none. Index retraining_jobs_claimable; SKIP LOCKED:
   * the others are being claimed or written this moment.
   */
  async claim(leaseMs: number): Promise<ClaimedJob | null> {
    const { rows } = await this.query<JobRow>(
      `WITH next AS (
         SELECT id FROM retraining_jobs
         WHERE finished_at IS NULL AND run_after <= clock_timestamp() AND (lease_until IS NULL OR lease_until <= clock_timestamp())
           AND (NOT paused OR cancelled_by IS NOT NULL)
         ORDER BY run_after FOR UPDATE SKIP LOCKED LIMIT 1
       ), j AS (
         UPDATE retraining_jobs j SET fence = j.fence + 1, lease_until = clock_timestamp() + $1 * interval '1 millisecond'
         FROM next WHERE j.id = next.id RETURNING j.*
       )
       SELECT ${COLUMNS} FROM j JOIN models m ON m.id = j.model_id`,
      [leaseMs],
    );
    return rows[0] === undefined ? null : toJob(rows[0]);
  }

  /** false: another has claimed the job since, or it was cancelled and the work under way is for nothing. */
  async renew({ id, fence, cancelledBy }: ClaimedJob, leaseMs: number): Promise<boolean> {
    const { rows } = await this.query<{ cancelled: boolean }>(
      `UPDATE retraining_jobs SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE id = $1 AND fence = $2 AND finished_at IS NULL RETURNING cancelled_by IS NOT NULL AS cancelled`,
      [id, fence, leaseMs],
    );
    return rows[0] !== undefined && (!rows[0].cancelled || cancelledBy !== null);
  }

  /** Gives the job back as it is. */
  async release({ id, fence }: ClaimedJob): Promise<void> {
    await this.query('UPDATE retraining_jobs SET lease_until = NULL WHERE id = $1 AND fence = $2', [id, fence]);
  }

  /** State, facts and event in one statement, if the job is still the worker's and in the state it was claimed in; else false, and nothing. */
  async write(job: ClaimedJob, write: JobWrite, nowMs: number): Promise<boolean> {
    const finished = (JOB_OUTCOMES as readonly string[]).includes(write.to);
    const { rows } = await this.query(
      `WITH moved AS (
         UPDATE retraining_jobs SET state = $4, attempt = $5, facts = facts || $6::jsonb, lease_until = NULL,
           run_after = CASE WHEN wakes = $7 THEN clock_timestamp() + $8 * interval '1 millisecond' ELSE clock_timestamp() END,
           token_hash = CASE WHEN $9 THEN NULL ELSE coalesce($10, token_hash) END,
           heartbeat_at = CASE WHEN $10::bytea IS NULL THEN heartbeat_at ELSE clock_timestamp() END,
           finished_at = CASE WHEN $9 THEN $11::timestamptz END
         WHERE id = $1 AND fence = $2 AND state = $3
         RETURNING id, fence
       ), told AS (
         INSERT INTO retraining_events (job_id, at, kind, from_state, to_state, actor, fence, detail)
         SELECT id, $11, $12, $3, CASE WHEN $3 <> $4 THEN $4 END, 'exporter', fence, $13::jsonb FROM moved WHERE $12 <> ''
       ), dropped AS (
         DELETE FROM retraining_data d USING moved WHERE $9 AND d.job_id = moved.id
       )
       SELECT FROM moved`,
      [
        job.id,
        job.fence,
        job.state,
        write.to,
        write.attempt,
        JSON.stringify(write.facts),
        job.wakes,
        write.runAfterMs,
        finished,
        write.tokenHash ?? null,
        new Date(nowMs),
        write.event?.kind ?? '',
        JSON.stringify(write.event?.detail ?? {}),
      ],
    );
    return rows.length === 1;
  }

  async get(id: string): Promise<Job> {
    const { rows } = await this.query<JobRow>(
      `SELECT ${COLUMNS} FROM retraining_jobs j JOIN models m ON m.id = j.model_id WHERE j.id = $1`,
      [id],
    );
    if (rows[0] === undefined) throw notFound(id);
    return toJob(rows[0]);
  }

  /** Newest first. Index retraining_jobs_by_model where a model is given. */
  async list(options: { readonly model?: string; readonly limit: number }): Promise<readonly Job[]> {
    const { rows } = await this.query<JobRow>(
      `SELECT ${COLUMNS} FROM retraining_jobs j JOIN models m ON m.id = j.model_id
       WHERE $1::text IS NULL OR m.name = $1 ORDER BY j.created_at DESC, j.id LIMIT $2`,
      [options.model ?? null, options.limit],
    );
    return rows.map(toJob);
  }

  async events(id: string): Promise<readonly JobEvent[]> {
    const { rows } = await this.query<EventRow>(
      'SELECT at, kind, from_state, to_state, actor, detail FROM retraining_events WHERE job_id = $1 ORDER BY id',
      [id],
    );
    return rows.map(toEvent);
  }

  /** Jobs of a model that were under way in [fromMs, toMs), the newest hundred, each with its events but for progress. */
  async told(model: string, fromMs: number, toMs: number): Promise<readonly ToldJob[]> {
    const { rows: jobs } = await this.query<JobRow>(
      `SELECT ${COLUMNS} FROM retraining_jobs j JOIN models m ON m.id = j.model_id
       WHERE m.name = $1 AND j.created_at < $3 AND (j.finished_at IS NULL OR j.finished_at >= $2)
       ORDER BY j.created_at DESC LIMIT 100`,
      [model, new Date(fromMs), new Date(toMs)],
    );
    const { rows: events } = await this.query<EventRow & { readonly job_id: string }>(
      `SELECT job_id, at, kind, from_state, to_state, actor, detail FROM retraining_events
       WHERE job_id = ANY ($1::uuid[]) AND kind <> 'retrain.progress' ORDER BY job_id, id`,
      [jobs.map(({ id }) => id)],
    );
    return jobs.map((row) => ({
      job: toJob(row),
      events: events.filter((event) => event.job_id === row.id).map(toEvent),
    }));
  }

  async active(model: string): Promise<Job | null> {
    const { rows } = await this.query<JobRow>(
      `SELECT ${COLUMNS} FROM retraining_jobs j JOIN models m ON m.id = j.model_id WHERE m.name = $1 AND j.finished_at IS NULL`,
      [model],
    );
    return rows[0] === undefined ? null : toJob(rows[0]);
  }

  /** Newest first, only those that have ended. */
  async finished(model: string, limit: number): Promise<readonly JobOfModel[]> {
    const { rows } = await this.query<{ state: JobState; finished_at: Date }>(
      `SELECT j.state, j.finished_at FROM retraining_jobs j JOIN models m ON m.id = j.model_id
       WHERE m.name = $1 AND j.finished_at IS NOT NULL ORDER BY j.finished_at DESC LIMIT $2`,
      [model, limit],
    );
    return rows.map((row) => ({ state: row.state, finishedAtMs: row.finished_at.getTime() }));
  }

  /** Ends so far, for counters: they live as long as their model. */
  async outcomes(): Promise<
    readonly { readonly model: string; readonly outcome: JobOutcome; readonly seconds: readonly number[] }[]
  > {
    const { rows } = await this.query<{ model: string; outcome: JobOutcome; seconds: number[] }>(
      `SELECT m.name AS model, j.state AS outcome, array_agg(extract(epoch FROM j.finished_at - j.created_at)::float8) AS seconds
       FROM retraining_jobs j JOIN models m ON m.id = j.model_id WHERE j.finished_at IS NOT NULL GROUP BY 1, 2`,
      [],
    );
    return rows;
  }

  /** The decision of a person on a candidate that waits for it. ServiceError conflict when none does, or it was decided. */
  async decide(id: string, verdict: 'approved' | 'rejected', by: string, note: string, nowMs: number): Promise<void> {
    const { rows } = await this.query(
      `WITH decided AS (
         UPDATE retraining_jobs SET facts = facts || jsonb_build_object('approval', $2::jsonb), run_after = clock_timestamp(), wakes = wakes + 1
         WHERE id = $1 AND state = 'awaiting_approval' AND NOT facts ? 'approval' RETURNING id, fence
       )
       INSERT INTO retraining_events (job_id, at, kind, actor, fence, detail)
       SELECT id, $3, $4, $5, fence, $6::jsonb FROM decided RETURNING 1`,
      [id, JSON.stringify({ verdict, by, note, atMs: nowMs }), new Date(nowMs), verdict, by, JSON.stringify({ note })],
    );
    if (rows.length === 0) await this.refuse(id, 'does not wait for approval');
  }

  /** Asks for the end of a job: its worker gives up what it does, and takes traffic back where it was moved. */
  async cancel(id: string, by: string, nowMs: number): Promise<void> {
    const { rows } = await this.query(
      `WITH cancelled AS (
         UPDATE retraining_jobs SET cancelled_by = $2, run_after = clock_timestamp(), wakes = wakes + 1
         WHERE id = $1 AND finished_at IS NULL AND cancelled_by IS NULL RETURNING id, fence
       )
       INSERT INTO retraining_events (job_id, at, kind, actor, fence)
       SELECT id, $3, 'cancel_requested', $2, fence FROM cancelled RETURNING 1`,
      [id, by, new Date(nowMs)],
    );
    if (rows.length === 0) await this.refuse(id, 'has ended, or is being cancelled');
  }

  /** A paused job keeps its place: a step under way ends, and no other begins. */
  async pause(id: string, paused: boolean, by: string, nowMs: number): Promise<void> {
    const { rows } = await this.query(
      `WITH changed AS (
         UPDATE retraining_jobs SET paused = $2, run_after = CASE WHEN $2 THEN run_after ELSE clock_timestamp() END
         WHERE id = $1 AND finished_at IS NULL AND paused <> $2 RETURNING id, fence
       )
       INSERT INTO retraining_events (job_id, at, kind, actor, fence)
       SELECT id, $4, CASE WHEN $2 THEN 'paused' ELSE 'resumed' END, $3, fence FROM changed RETURNING 1`,
      [id, paused, by, new Date(nowMs)],
    );
    if (rows.length === 0) await this.refuse(id, paused ? 'has ended, or is paused' : 'is not paused');
  }

  /** Time of the transition into the state that the job is in. Unique index retraining_events_entered. */
  async enteredMs(id: string, state: JobState): Promise<number> {
    const { rows } = await this.query<{ at: Date }>(
      'SELECT at FROM retraining_events WHERE job_id = $1 AND to_state = $2',
      [id, state],
    );
    return rows[0]?.at.getTime() ?? NaN;
  }

  /** What a callback is checked against; null: there is no such job. */
  async callbackJob(id: string): Promise<CallbackJob | null> {
    const { rows } = await this.query<CallbackJob>(
      `SELECT m.name AS model, j.attempt, j.token_hash AS "tokenHash", coalesce(j.facts->'dispatch'->>'candidateVersion', '') AS "candidateVersion"
       FROM retraining_jobs j JOIN models m ON m.id = j.model_id WHERE j.id = $1`,
      [id],
    );
    return rows[0] ?? null;
  }

  /**
   * Keeps a message of a trainer, once, and wakes the job where it ends an attempt. The job's row is locked: of messages at the same time
   * one comes first. Progress that is older than what is known, and what comes after an end, changes nothing.
   */
  async record(message: CallbackMessage, nowMs: number): Promise<RecordedCallback> {
    const { jobId, attempt, seq, messageId, kind, detail } = message;
    return transaction<RecordedCallback>(this.pool, async (client) => {
      const { rows } = await client.query<CallbackState>(
        `SELECT j.attempt, j.state, j.cancelled_by IS NOT NULL AS cancel, j.fence,
           (SELECT kind FROM retraining_events WHERE job_id = j.id AND message_id = $2) AS known,
           (SELECT count(*)::int FROM retraining_events WHERE job_id = j.id AND kind IN ('retrain.completed', 'retrain.failed')
             AND (detail->>'attempt')::int = $3) AS ends,
           (SELECT max((detail->>'seq')::bigint)::float8 FROM retraining_events WHERE job_id = j.id AND kind = 'retrain.progress'
             AND (detail->>'attempt')::int = $3) AS seq
         FROM retraining_jobs j WHERE j.id = $1 FOR UPDATE OF j`,
        [jobId, messageId, attempt],
      );
      const job = rows[0];
      if (job === undefined || (JOB_OUTCOMES as readonly string[]).includes(job.state)) return { kind: 'ended' };
      if (job.known !== null) return { kind: 'duplicate', cancel: job.cancel };
      if (attempt !== job.attempt) return { kind: 'superseded' };
      if (job.ends > 0 || job.state !== 'training') return { kind: 'ended' };
      const isEnd = kind !== 'retrain.progress';
      if (!isEnd && job.seq !== null && seq <= job.seq) return { kind: 'ignored', cancel: job.cancel };
      await client.query(
        `INSERT INTO retraining_events (job_id, at, kind, actor, fence, message_id, detail) VALUES ($1, $2, $3, 'trainer', $4, $5, $6)`,
        [jobId, new Date(nowMs), kind, job.fence, messageId, JSON.stringify(detail)],
      );
      await client.query(
        `UPDATE retraining_jobs SET heartbeat_at = clock_timestamp(), wakes = wakes + $2,
           run_after = CASE WHEN $2 = 1 THEN clock_timestamp() ELSE run_after END WHERE id = $1`,
        [jobId, Number(isEnd)],
      );
      return { kind: 'recorded', cancel: job.cancel };
    }).catch((error: unknown) => {
      throw asServiceError(error);
    });
  }

  /** What ended an attempt, as its trainer told it; null: nothing yet. */
  async toldEnd(id: string, attempt: number): Promise<ToldEnd | null> {
    const { rows } = await this.query<{ kind: string; detail: Readonly<Record<string, unknown>> }>(
      `SELECT kind, detail FROM retraining_events
       WHERE job_id = $1 AND kind IN ('retrain.completed', 'retrain.failed') AND (detail->>'attempt')::int = $2 ORDER BY id LIMIT 1`,
      [id, attempt],
    );
    const row = rows[0];
    return row === undefined
      ? null
      : { kind: row.kind === 'retrain.completed' ? 'completed' : 'failed', data: row.detail };
  }

  /** Real time at which the trainer was last heard of, or was sent the job. */
  async lastHeardMs(id: string): Promise<number> {
    const { rows } = await this.query<{ heartbeat_at: Date | null }>(
      'SELECT heartbeat_at FROM retraining_jobs WHERE id = $1',
      [id],
    );
    return rows[0]?.heartbeat_at?.getTime() ?? NaN;
  }

  private async refuse(id: string, why: string): Promise<never> {
    const { state } = await this.get(id);
    throw new ServiceError('conflict', `Job ${id} ${why}: its state is ${state}.`);
  }

  private async query<Row extends object>(text: string, values: readonly unknown[]): Promise<QueryResult<Row>> {
    try {
      return await this.pool.query<Row>(text, [...values]);
    } catch (error) {
      throw asServiceError(error);
    }
  }
}

function notFound(id: string): ServiceError {
  return new ServiceError('not_found', `There is no job ${JSON.stringify(id)}.`);
}

interface JobRow {
  readonly id: string;
  readonly model: string;
  readonly model_id: number;
  readonly state: JobState;
  readonly trigger: Job['trigger'];
  readonly requested_by: string;
  readonly reasons: Job['reasons'];
  readonly champion: Job['champion'];
  readonly shadow: boolean;
  readonly paused: boolean;
  readonly cancelled_by: string | null;
  readonly attempt: number;
  readonly facts: JobFacts;
  readonly fence: string;
  readonly wakes: number;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

interface EventRow {
  readonly at: Date;
  readonly kind: string;
  readonly from_state: JobState | null;
  readonly to_state: JobState | null;
  readonly actor: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

function toEvent({ at, kind, from_state: from, to_state: to, actor, detail }: EventRow): JobEvent {
  return { atMs: at.getTime(), kind, from, to, actor, detail };
}

function toJob(row: JobRow): ClaimedJob {
  return {
    id: row.id,
    model: row.model,
    modelId: row.model_id,
    state: row.state,
    trigger: row.trigger,
    requestedBy: row.requested_by,
    reasons: row.reasons,
    champion: row.champion,
    shadow: row.shadow,
    paused: row.paused,
    cancelledBy: row.cancelled_by,
    attempt: row.attempt,
    facts: row.facts,
    fence: Number(row.fence),
    wakes: row.wakes,
    createdAtMs: row.created_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? NaN,
  };
}
