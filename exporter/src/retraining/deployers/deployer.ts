/** Moves traffic. Every call may be repeated after a crash, with the same key, and must then come to the same. */
export interface Deployer {
  readonly apply: (action: DeployAction, signal: AbortSignal) => Promise<DeployOutcome>;
}

export interface DeployAction {
  readonly kind: 'stage' | 'promote' | 'rollback';
  /** The same for every repetition of one action. */
  readonly key: string;
  readonly jobId: string;
  readonly model: string;
  /** The candidate. */
  readonly version: string;
  readonly uri: string;
  /** The champion before it. */
  readonly previous: string;
  /** Of the candidate, 0..100; 0 at a stage: shadow. */
  readonly percent: number;
}

export type DeployOutcome =
  | { readonly kind: 'applied' }
  /** Nothing is wrong with the action: again later. */
  | { readonly kind: 'later'; readonly afterMs: number; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };
