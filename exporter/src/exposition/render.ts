import { spliceGzip, TextSection } from './gzip-splice.ts';
import { acceptsGzip, negotiateFormat } from './negotiate.ts';
import type { SelfMetrics } from './self-metrics.ts';
import type { SeriesStore } from './series-store.ts';

export interface ExpositionRequest {
  /** Headers of the request; '' where there is none. */
  readonly accept: string;
  readonly acceptEncoding: string;
}

export interface ExpositionReply {
  readonly contentType: string;
  readonly contentEncoding: 'gzip' | null;
  readonly body: Buffer;
}

export interface ExpositionSources {
  readonly self: Pick<SelfMetrics, 'render'>;
  readonly store: Pick<SeriesStore, 'render'>;
}

/** What a scrape gets: the exporter's own metrics, then those of the models, in the format and encoding it asks for. */
export async function renderExposition(
  sources: ExpositionSources,
  request: ExpositionRequest,
): Promise<ExpositionReply> {
  const format = negotiateFormat(request.accept);
  // All that is awaited comes before the store is read, so that the models' series are those of one moment.
  const own = await sources.self.render(format);
  const sections = [new TextSection(own), ...sources.store.render(format), new TextSection(format.trailer)];
  const gzip = acceptsGzip(request.acceptEncoding);
  return {
    contentType: format.contentType,
    contentEncoding: gzip ? 'gzip' : null,
    body: gzip ? await spliceGzip(sections) : Buffer.concat(sections.map(({ bytes }) => bytes)),
  };
}
