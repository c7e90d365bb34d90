import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { alerts } from './alerts.ts';
import { dataQuality } from './data-quality.ts';
import { drift } from './drift.ts';
import { exporter } from './exporter.ts';
import { model } from './model.ts';
import { overview } from './overview.ts';

/** All dashboards; each is the file of its uid. */
export const dashboards = (): Dashboard[] => [overview(), model(), drift(), dataQuality(), alerts(), exporter()];

export const fileOf = ({ uid }: Dashboard): string => `${uid ?? ''}.json`;
export const textOf = (dashboard: Dashboard): string => `${JSON.stringify(dashboard, null, 2)}\n`;
