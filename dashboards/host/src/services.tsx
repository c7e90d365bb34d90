// What Grafana's core gives to @grafana/runtime at its start, as far as panels and scenes ask for it.
import * as D from '@grafana/data';
import * as R from '@grafana/runtime';
import React from 'react';
import { catchError, from, map, of, startWith } from 'rxjs';

export interface Services {
  interpolate: (text: string, variables?: D.ScopedVars, format?: any) => string;
  loadPanel: (id: string) => Promise<D.PanelPlugin>;
  loadedPanel: (id: string) => D.PanelPlugin | undefined;
  dataSources?: unknown;
}

/** A setter that this version of Grafana has not is none that its panels could ask for. */
function provide(setter: string, value: unknown): void {
  const set = (R as any)[setter];
  if (typeof set === 'function') set(value);
}

export function installServices({ interpolate, loadPanel, loadedPanel, dataSources }: Services): void {
  provide('setAppEvents', new D.EventBusSrv());
  provide('setEchoSrv', { flush() {}, addBackend() {}, addEvent() {} });
  provide('setBackendSrv', backend());
  provide('setTemplateSrv', {
    replace: interpolate,
    getVariables: () => [],
    containsTemplate: (text?: string) => text?.includes('$') ?? false,
    updateTimeRange() {},
  });
  provide('setLocationSrv', { update() {} });
  provide('setPluginLinksHook', () => ({ links: [], isLoading: false }));
  provide('setPluginComponentsHook', () => ({ components: [], isLoading: false }));
  provide('setPluginFunctionsHook', () => ({ functions: [], isLoading: false }));
  provide('setReturnToPreviousHook', () => () => {});
  provide('setChromeHeaderHeightHook', () => 0);
  provide('setPluginImportUtils', { importPanelPlugin: loadPanel, getPanelPluginFromCache: loadedPanel });
  if (dataSources) provide('setDataSourceSrv', dataSources);
  provide('setRunRequest', runRequest);
}

/** The requests of the page, for tests to read. */
const calls: { method: string; url: string; body?: unknown }[] = [];
(window as any).__calls = calls;

function backend() {
  const request = async (method: string, url: string, body?: unknown) => {
    calls.push({ method, url, body });
    const response = await fetch(url, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    const data = await response.json().catch(() => ({}));
    // As Grafana's own: what is thrown is no Error.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (!response.ok) throw { status: response.status, data };
    return { data, status: response.status, ok: true };
  };
  const only = (method: string) => async (url: string, body?: unknown) => (await request(method, url, body)).data;
  return {
    get: only('GET'),
    post: only('POST'),
    put: only('PUT'),
    delete: only('DELETE'),
    fetch: ({ method = 'GET', url, data }: any) => from(request(method, url, data)),
  };
}

/** Grafana's own is not in its packages, which only say that there is no data. */
export function DataErrorView({ message, data }: { message?: string; data: D.PanelData }) {
  return (
    <div style={{ display: 'grid', placeItems: 'center', height: '100%', textAlign: 'center' }}>
      {message ?? (data.series.length > 0 ? 'Data is missing a number field' : 'No data')}
    </div>
  );
}

function runRequest(source: D.DataSourceApi, request: D.DataQueryRequest) {
  const base = { series: [], timeRange: request.range, request };
  return from(source.query(request) as Promise<D.DataQueryResponse>).pipe(
    map(({ data, errors }) => ({
      ...base,
      state: errors ? D.LoadingState.Error : D.LoadingState.Done,
      series: data.map((frame: D.DataFrame) => D.toDataFrame(frame)),
      errors,
      error: errors?.[0],
    })),
    catchError((error) => of({ ...base, state: D.LoadingState.Error, error: { message: error.message } })),
    startWith({ ...base, state: D.LoadingState.Loading }),
  );
}
