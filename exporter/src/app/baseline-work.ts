import { inheritBaseline } from '../baseline/inherit-baseline.ts';
import type { Activation } from '../baseline/make-baseline.ts';
import type { BaselineDescription } from '../domain/baseline.ts';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { ServiceError } from '../domain/service-error.ts';
import { DAY_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import type { StoredBaseline } from '../storage/baseline-store.ts';
import type { CatalogVersion } from '../storage/catalog.ts';

/** Baselines that are made without being asked for; a part of the composition root. */
export interface BaselineWorkParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly versions: () => readonly CatalogVersion[];
  /** Predictions since the version was first seen. */
  readonly rowsOf: (versionId: number) => number;
  readonly rawRetentionMs: () => number;
  readonly load: (baselineId: number) => Promise<StoredBaseline>;
  readonly activate: (activation: Activation) => Promise<BaselineDescription>;
  readonly capture: (
    model: string,
    version: string,
    range: { fromMs: number; toMs: number; limit: number },
  ) => Promise<BaselineDescription>;
}

const RETRY_MS = 5 * MINUTE_MS;

/**
 * A version without a baseline of its own gets one: its first predictions, when there are enough and nobody is to choose them; until then
 * a copy of the newest baseline of another version of its model, as soon as there is anything to say of it.
 */
export function baselineWork(parts: BaselineWorkParts): () => Promise<void> {
  const notBefore = new Map<number, number>();
  return async () => {
    for (const version of parts.versions()) {
      const { versionId, model, version: name } = version.target;
      const make = whatToMake(version, parts);
      if (make === null || performance.now() < (notBefore.get(versionId) ?? 0)) continue;
      notBefore.set(versionId, performance.now() + RETRY_MS);
      try {
        const { rows, task, inheritedFrom } = await make();
        const message =
          inheritedFrom === null
            ? 'the first predictions became the baseline'
            : 'the baseline of another version was inherited';
        parts.log.info(
          { model, version: name, rows, task, ...(inheritedFrom === null ? {} : { inheritedFrom }) },
          message,
        );
        notBefore.delete(versionId);
      } catch (error) {
        if (error instanceof ServiceError && error.code === 'unavailable') throw error;
        parts.log.warn({ err: error, model, version: name }, 'no baseline could be made; it will be tried again');
      }
    }
  };
}

function whatToMake(version: CatalogVersion, parts: BaselineWorkParts): (() => Promise<BaselineDescription>) | null {
  const { target, model, baselineId, inheritedFrom } = version;
  if (baselineId !== null && inheritedFrom === null) return null;
  const { mode, autoCapture } = model.settings.baseline;
  const rows = parts.rowsOf(target.versionId);
  if (mode !== 'reference' && mode !== 'captured' && rows >= autoCapture) {
    const now = parts.clock.now();
    const range = { fromMs: now - parts.rawRetentionMs(), toMs: now + DAY_MS, limit: autoCapture };
    return () => parts.capture(target.model, target.version, range);
  }
  if (rows < model.settings.minimumSamples.report) return null;
  const source = newestOwner(parts.versions(), version);
  if (source === null || (source.baselineId === inheritedFrom && !knowsMore(source, version))) return null;
  return async () => {
    const { description, captured, counts, designEffects } = await parts.load(source.baselineId);
    return parts.activate(
      inheritBaseline({ target: source.target, description, captured, counts, designEffects }, target),
    );
  };
}

type Owner = CatalogVersion & { readonly baselineId: number };

function newestOwner(versions: readonly CatalogVersion[], heir: CatalogVersion): Owner | null {
  let newest: Owner | null = null;
  for (const version of versions)
    if (
      version.model.id === heir.model.id &&
      version.baselineId !== null &&
      version.inheritedFrom === null &&
      (newest === null || version.createdAtMs >= newest.createdAtMs)
    )
      newest = version as Owner;
  return newest;
}

/** Whether features joined the heir since it inherited, of which the source has bins. */
function knowsMore(source: CatalogVersion, { target }: CatalogVersion): boolean {
  return target.features
    .slice(target.scheme.features.length)
    .some(({ name, kind }) => source.target.featureByName.get(name)?.kind === kind);
}
