import type { RawPrediction } from '../domain/prediction.ts';

/** A row whose outer values were read and found good. */
export interface Envelope {
  readonly row: RawPrediction;
  readonly model: string;
  readonly version: string;
  readonly id: string;
  readonly timeMs: number;
  /** It came with an id and without a timestamp. */
  readonly stamped: boolean;
  readonly latencyMs: number;
  readonly error: string | null;
  readonly segment: string | null;
  readonly score: number;
}
