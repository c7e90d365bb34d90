import React, { lazy, Suspense, useState } from 'react';
import { PanelProps, textUtil } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { ModelHealth } from '../data/models';
import { ScorecardOptions } from '../options';

const RetrainDialog = lazy(() => import('./RetrainDialog').then((module) => ({ default: module.RetrainDialog })));

/** Off, a link, or a POST after a question. Nothing secret can be kept in a panel: the URL is best a data source's proxy path. */
export function useRetrain(options: ScorecardOptions, replaceVariables: PanelProps['replaceVariables']) {
  const [asked, setAsked] = useState<ModelHealth | null>(null);

  const urlOf = (model: ModelHealth) => {
    const encoded = (text: string) => ({ text, value: encodeURIComponent(text) });
    return textUtil.sanitizeUrl(
      replaceVariables(options.retrainUrl, { model: encoded(model.name), version: encoded(model.version ?? '') })
    );
  };
  const follow = (model: ModelHealth) => {
    const url = urlOf(model);
    if (url.startsWith('/')) {
      locationService.push(url);
    } else {
      window.open(url, '_blank', 'noopener,noreferrer');
    }
  };
  const ask =
    options.retrainMode === 'off' || options.retrainUrl === ''
      ? undefined
      : options.retrainMode === 'link'
        ? follow
        : setAsked;
  const element = asked && (
    <Suspense fallback={null}>
      <RetrainDialog
        key={asked.key}
        model={asked}
        url={urlOf(asked)}
        question={options.retrainConfirm}
        onClose={() => setAsked(null)}
      />
    </Suspense>
  );
  return { ask, element };
}
