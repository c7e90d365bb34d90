/**
 * Senders that log requests and responses apart send a prediction in two events, in either order. A half is one such event as its
 * format read it: plain JSON values, for it waits in the database until the other comes.
 */
export type PredictionHalf = RequestHalf | ResponseHalf;

interface Half {
  readonly model: unknown;
  /** null: the event does not name one. */
  readonly version: string | null;
  /** What both halves have in common; rows are known as `<id>_<i>`. */
  readonly id: string;
  /** Of the event, as it came: RFC 3339 text or epoch milliseconds; null: none. */
  readonly time: unknown;
  /** Whether `time` is when the request arrived or the response left, and not when the event was sent. */
  readonly timed: boolean;
}

export interface RequestHalf extends Half {
  readonly side: 'request';
  readonly segment: Readonly<Record<string, string>> | null;
  readonly inputs: TabularRows;
}

export interface ResponseHalf extends Half {
  readonly side: 'response';
  readonly outcomes: readonly RowOutcome[];
}

/** Rows of a request: values under common names, or (names null) an object each. */
export interface TabularRows {
  readonly names: readonly string[] | null;
  readonly rows: readonly unknown[];
}

/** What a model said of one row. Nothing of it is believed before intake has looked at it. */
export interface RowOutcome {
  readonly prediction?: unknown;
  readonly score?: unknown;
  readonly scores?: Readonly<Record<string, unknown>>;
}

/** A half with the key under which its other half comes. */
export interface KeyedHalf {
  /** Position in the request, for error messages. */
  readonly index: number;
  readonly key: string;
  readonly half: PredictionHalf;
}

/** A half as it is stored. */
export interface PendingHalf {
  /** Which wire format; ids of different senders have nothing to do with each other. */
  readonly source: string;
  /** Unique among the requests of the source. */
  readonly key: string;
  readonly half: PredictionHalf;
  readonly receivedAtMs: number;
}

/** The halves that are known of one request; never both null. */
export interface HalfPair {
  readonly source: string;
  readonly key: string;
  readonly request: RequestHalf | null;
  readonly response: ResponseHalf | null;
  /** When the first of them came. */
  readonly receivedAtMs: number;
}
