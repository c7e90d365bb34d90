// How Grafana loads a panel: its AMD module through SystemJS, with Grafana's own copies of the packages that plugins share.
import 'systemjs/dist/system.js';
import 'systemjs/dist/extras/amd.js';
import * as emotionCss from '@emotion/css';
import * as emotionReact from '@emotion/react';
import * as grafanaData from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as grafanaUi from '@grafana/ui';
import i18next from 'i18next';
import * as lodash from 'lodash';
import moment from 'moment';
import * as React from 'react';
import * as ReactDOM from 'react-dom';
import * as rxjs from 'rxjs';
import { DataErrorView } from './services';

const System = (window as any).System;
const byDefault = (value: unknown) => ({ default: value, __useDefault: true });
// What a plugin may leave out of its bundle. `react/jsx-runtime` is not among them: Grafana has it only from 12.
const shared: Record<string, unknown> = {
  react: React,
  'react-dom': ReactDOM,
  '@emotion/css': emotionCss,
  '@emotion/react': emotionReact,
  '@grafana/data': grafanaData,
  '@grafana/runtime': { ...grafanaRuntime, PanelDataErrorView: DataErrorView },
  '@grafana/ui': grafanaUi,
  rxjs,
  lodash,
  moment: byDefault(moment),
  i18next: byDefault(i18next),
};
for (const [name, module] of Object.entries(shared)) System.set(`package:${name}`, module);
System.addImportMap({ imports: Object.fromEntries(Object.keys(shared).map((name) => [name, `package:${name}`])) });

export const PANEL_ID = 'modelhealth-scorecard-panel';
const loaded = new Map<string, grafanaData.PanelPlugin>();

export const loadedPanel = (id: string) => loaded.get(id);

export async function loadPanel(id: string): Promise<grafanaData.PanelPlugin> {
  const known = loaded.get(id);
  if (known) return known;
  const baseUrl = `/public/plugins/${id}`;
  const meta = await (await fetch(`${baseUrl}/plugin.json`)).json();
  const { plugin } = await System.import(`${location.origin}${baseUrl}/module.js`);
  if (!plugin) throw new Error(`the plugin ${id} exports no "plugin"`);
  plugin.meta = { ...meta, module: `${baseUrl}/module.js`, baseUrl, sort: 100 };
  loaded.set(id, plugin);
  return plugin;
}
