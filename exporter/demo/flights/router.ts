import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { ModelRouting } from '../../client/ml-dashboard-service.ts';
import { predictTabular } from '../../src/retraining/trainers/tabular-model.ts';
import type { FeatureRow, TabularModel, TabularPrediction } from '../../src/retraining/trainers/tabular-model.ts';

export interface Answer extends TabularPrediction {
  readonly version: string;
  /** A copy of the request, whose answer nobody sees. */
  readonly shadow: boolean;
}

export interface RouterOptions {
  /** The exporter's. */
  readonly url: string;
  readonly model: string;
  readonly version: string;
  /** What answers until the exporter says otherwise. */
  readonly champion: TabularModel;
}

/** What stands before the models: asks the exporter who should answer, loads what it is told of, and shares the requests out. */
export class Router {
  private readonly url: string;
  private readonly model: string;
  private readonly models: Map<string, TabularModel>;
  private routing: ModelRouting;

  constructor({ url, model, version, champion }: RouterOptions) {
    this.url = url;
    this.model = model;
    this.models = new Map([[version, champion]]);
    this.routing = { champion: { version }, candidate: null };
  }

  /** Asks who is in charge. While there is no answer, or a model cannot be loaded, what was known last stands. */
  async refresh(): Promise<void> {
    const routing = await this.ask<ModelRouting>('routing');
    if (routing === null) return;
    const { candidate } = routing;
    if (candidate !== null && !this.models.has(candidate.version)) {
      const loaded = await this.load(candidate.version, candidate.uri);
      if (loaded === null) return;
      this.models.set(candidate.version, loaded);
    }
    if (this.models.has(routing.champion.version)) this.routing = routing;
  }

  /** @param key the same goes to the same version as long as the share stands */
  answer(key: number, features: FeatureRow): readonly Answer[] {
    const { champion, candidate } = this.routing;
    if (candidate?.shadow === true)
      return [this.answerOf(champion.version, features, false), this.answerOf(candidate.version, features, true)];
    const share = (Math.imul(key, 2_654_435_761) >>> 0) / 2 ** 32;
    const isChosen = candidate !== null && 100 * share < candidate.percent;
    return [this.answerOf(isChosen ? candidate.version : champion.version, features, false)];
  }

  private answerOf(version: string, features: FeatureRow, shadow: boolean): Answer {
    const [prediction] = predictTabular(this.models.get(version)!, [features]);
    return { ...prediction!, version, shadow };
  }

  /** Only what the gate judged: by the hash that the registry keeps. */
  private async load(version: string, uri: string): Promise<TabularModel | null> {
    const registry = await this.ask<{ versions: { version: string; sha256: string }[] }>('registry');
    const sha256 = registry?.versions.find((entry) => entry.version === version)?.sha256;
    const reply = await fetch(new URL(uri, this.url)).catch(() => null);
    if (reply?.ok !== true) return null;
    const bytes = Buffer.from(await reply.arrayBuffer());
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new Error(`version ${version} of ${this.model} is not the one that was judged`);
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return JSON.parse((isGzip ? gunzipSync(bytes) : bytes).toString('utf8')) as TabularModel;
  }

  private async ask<T>(what: 'routing' | 'registry'): Promise<T | null> {
    const reply = await fetch(`${this.url}/api/ml/models/${encodeURIComponent(this.model)}/${what}`).catch(() => null);
    return reply?.ok === true ? ((await reply.json()) as T) : null;
  }
}
