const DAY_MS = 86_400_000;

/** Features that had drifted significantly at some time. */
export interface DriftMoment {
  readonly atMs: number;
  readonly significant: readonly string[];
}

/** Since when each feature of one version has been significant without a break. */
export class LastingDrift {
  private readonly sinceMs = new Map<string, number>();

  /** @param past in order of time */
  constructor(past: readonly DriftMoment[]) {
    for (const moment of past) this.see(moment);
  }

  /** A later moment; not to be told of one that had too few samples for a verdict. */
  see({ atMs, significant }: DriftMoment): void {
    const now = new Set(significant);
    for (const feature of this.sinceMs.keys()) if (!now.has(feature)) this.sinceMs.delete(feature);
    for (const feature of now) if (!this.sinceMs.has(feature)) this.sinceMs.set(feature, atMs);
  }

  /** Days by feature, of those that were significant when last seen. */
  days(nowMs: number): ReadonlyMap<string, number> {
    return new Map([...this.sinceMs].map(([feature, sinceMs]) => [feature, (nowMs - sinceMs) / DAY_MS]));
  }
}
