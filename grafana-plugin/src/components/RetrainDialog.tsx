import React, { useState } from 'react';
import { cx } from '@emotion/css';
import { getBackendSrv } from '@grafana/runtime';
import { ConfirmModal, IconButton } from '@grafana/ui';
import { lastValueFrom } from 'rxjs';
import { ModelHealth } from '../data/models';
import { middle, sheet } from './mixins';

interface Props {
  model: ModelHealth;
  url: string;
  /** Empty: one that names the model. */
  question: string;
  onClose: () => void;
}

/** Asks, posts, and stays with the answer until it is dismissed. */
export function RetrainDialog({ model, url, question, onClose }: Props) {
  const s = useStyles();
  const [result, setResult] = useState<{ ok: boolean; text: string } | null>(null);
  const post = async () => {
    setResult({ ok: true, text: `Asking for a retraining of ${model.name} …` });
    try {
      const response = await lastValueFrom(
        getBackendSrv().fetch<{ jobId?: unknown } | null>({
          url,
          method: 'POST',
          data: { reason: 'asked for in Grafana' },
          showErrorAlert: false,
          showSuccessAlert: false,
        })
      );
      const job = response.data?.jobId;
      setResult({
        ok: true,
        text: `Retraining of ${model.name} was accepted${job === undefined ? '' : `: job ${String(job)}`}.`,
      });
    } catch (error) {
      setResult({ ok: false, text: `Retraining of ${model.name} was refused: ${reasonOf(error)}` });
    }
  };
  if (result === null) {
    const version = model.version === null ? '' : ` (now version ${model.version})`;
    return (
      <ConfirmModal
        isOpen
        title={`Retrain ${model.name}`}
        body={question || `Start a retraining of ${model.name}${version}?`}
        confirmText="Retrain"
        confirmVariant="primary"
        onConfirm={() => void post()}
        onDismiss={onClose}
      />
    );
  }
  return (
    <div className={cx(s.result, !result.ok && s.failed)} role={result.ok ? 'status' : 'alert'}>
      <span className={s.text}>{result.text}</span>
      <IconButton name="times" size="sm" aria-label="Dismiss" onClick={onClose} />
    </div>
  );
}

/** What the other side said, or at least its status. */
function reasonOf(error: unknown): string {
  const { data, status, message } = error as { data?: unknown; status?: number; message?: string };
  const said = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const text = [said.detail, said.message, said.title, message].find((one) => typeof one === 'string' && one !== '');
  return text === undefined ? `status ${status ?? 'unknown'}` : String(text);
}

const useStyles = sheet((theme) => ({
  result: {
    position: 'absolute',
    bottom: theme.spacing(1),
    left: theme.spacing(1),
    right: theme.spacing(1),
    zIndex: 3,
    ...middle,
    gap: theme.spacing(1),
    padding: theme.spacing(0.75, 1.5),
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.elevated ?? theme.colors.background.secondary,
    border: `1px solid ${theme.colors.success.border}`,
    boxShadow: theme.shadows.z2,
  },
  failed: { borderColor: theme.colors.error.border },
  text: { flex: 1, minWidth: 0, overflowWrap: 'anywhere' },
}));
