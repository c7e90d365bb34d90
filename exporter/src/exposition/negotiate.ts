import { openMetricsFormat } from './openmetrics.ts';
import type { ExpositionFormat } from './text-format.ts';
import { textFormat } from './text-format.ts';

interface Offer {
  /** Lower case, without parameters. */
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** 0..1; 0 means "not this". */
  readonly quality: number;
}

/**
 * Format for an Accept header: the best-liked one that we speak, the first listed of equals, and the text format when the header names
 * neither (a scrape that fails is worse than one in a format that was not asked for).
 *
 * Prometheus 2.42 sends `application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,
 * text/plain;version=0.0.4;q=0.5,*\/*;q=0.1`; 3.x adds `escaping=` parameters, a text version 1.0.0 (the same text for names like ours)
 * and, with native histograms, protobuf in front, which is passed over.
 */
export function negotiateFormat(accept: string): ExpositionFormat {
  let best: ExpositionFormat = textFormat;
  let bestQuality = 0;
  for (const offer of parseOffers(accept)) {
    const format = formatOf(offer);
    if (format !== null && offer.quality > bestQuality) {
      best = format;
      bestQuality = offer.quality;
    }
  }
  return best;
}

function formatOf({ value, parameters }: Offer): ExpositionFormat | null {
  const version = parameters.get('version');
  switch (value) {
    case 'application/openmetrics-text':
      return version === undefined || version === '1.0.0' ? openMetricsFormat : null;
    case 'text/plain':
      return version === undefined || version === '0.0.4' || version === '1.0.0' ? textFormat : null;
    case 'text/*':
    case '*/*':
      return textFormat;
    default:
      return null;
  }
}

/** Whether an Accept-Encoding header takes gzip and likes it no less than no encoding. */
export function acceptsGzip(acceptEncoding: string): boolean {
  let gzip: number | undefined;
  let any: number | undefined;
  let identity = 0;
  for (const { value, quality } of parseOffers(acceptEncoding)) {
    if (value === 'gzip' || value === 'x-gzip') gzip = quality;
    else if (value === '*') any = quality;
    else if (value === 'identity') identity = quality;
  }
  const quality = gzip ?? any ?? 0;
  return quality > 0 && quality >= identity;
}

function parseOffers(header: string): Offer[] {
  const offers: Offer[] = [];
  for (const part of header.split(',')) {
    const [value = '', ...rest] = part.split(';').map((piece) => piece.trim().toLowerCase());
    if (value === '') continue;
    const parameters = new Map<string, string>();
    for (const parameter of rest) {
      const equals = parameter.indexOf('=');
      if (equals > 0) parameters.set(parameter.slice(0, equals).trim(), unquoted(parameter.slice(equals + 1).trim()));
    }
    const quality = Number(parameters.get('q') ?? 1);
    offers.push({ value, parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 });
  }
  return offers;
}

function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
