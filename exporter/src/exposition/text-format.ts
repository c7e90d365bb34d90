import type { MetricType } from './families.ts';

/** What distinguishes one text exposition from another: samples are the same, only headers and the end differ. */
export interface ExpositionFormat {
  readonly contentType: string;
  readonly header: (family: FamilyHeader) => string;
  /** After the last sample. */
  readonly trailer: string;
}

export interface FamilyHeader {
  readonly name: string;
  readonly type: MetricType;
  /** Must hold nothing that needs escaping. */
  readonly help: string;
}

/** Prometheus's text format 0.0.4. Reference: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const textFormat: ExpositionFormat = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  header: ({ name, type, help }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`,
  trailer: '',
};
