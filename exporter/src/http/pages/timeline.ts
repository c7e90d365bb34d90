import type { TimelineEvent } from '../../alerting/timeline.ts';
import { escapeHtml } from './page.ts';

const LANES: readonly (readonly [TimelineEvent['kind'], string])[] = [
  ['alert', 'Alerts'],
  ['verdict', 'Verdicts'],
  ['acknowledged', 'Acknowledged'],
  ['job', 'Retraining'],
  ['gate', 'Gate'],
  ['stage', 'Rollout'],
  ['baseline', 'Baselines'],
  ['maintenance', 'Maintenance'],
];
/** The others are moments. */
const LASTING: ReadonlySet<TimelineEvent['kind']> = new Set(['alert', 'job', 'maintenance']);
const DAY_MS = 86_400_000;
const DAYS_A_TICK = 5;

/** What happened to a model from `fromMs` to `toMs`, as lanes with words for those who cannot see them; '' without events. */
export function timelineHtml(events: readonly TimelineEvent[], fromMs: number, toMs: number): string {
  if (events.length === 0) return '';
  const percent = (ms: number) => (100 * (Math.min(Math.max(ms, fromMs), toMs) - fromMs)) / (toMs - fromMs);
  const lanes = LANES.flatMap(([kind, label]) => {
    const own = events.filter((event) => event.kind === kind);
    if (own.length === 0) return [];
    return [
      `<div class="lane"><span>${label}</span><div>${own.map((event) => mark(event, percent, toMs)).join('')}</div></div>`,
    ];
  });
  const days = Array.from({ length: 7 }, (_, i) => fromMs + i * DAYS_A_TICK * DAY_MS).filter((ms) => ms <= toMs);
  const ticks = days.map(
    (ms) => `<small style="left:${percent(ms).toFixed(2)}%">${new Date(ms).toISOString().slice(5, 10)}</small>`,
  );
  return `<h2>The last 30 days</h2>
<div class="timeline" role="img" aria-label="${escapeHtml(words(events))}">${lanes.join('')}<div class="lane days"><span></span><div>${ticks.join('')}</div></div></div>
<details class="story"><summary>The same in words</summary><ol>${[...events].reverse().map(sentence).join('')}</ol></details>`;
}

/** Newest first, as the history below. */
function sentence({ kind, atMs, untilMs, title, text, version }: TimelineEvent): string {
  const when = untilMs === null ? '' : ` to ${minute(untilMs)}`;
  const soft = [version === '' ? '' : `version ${version}`, text].filter((part) => part !== '').join(' · ');
  const since = LASTING.has(kind) && untilMs === null ? 'since ' : '';
  return `<li><time datetime="${new Date(atMs).toISOString()}">${since}${minute(atMs)}${when}</time> <strong>${escapeHtml(title)}</strong> <span class="soft">${escapeHtml(soft)}</span></li>`;
}

function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

function mark(
  { atMs, untilMs, kind, title, severity }: TimelineEvent,
  percent: (ms: number) => number,
  nowMs: number,
): string {
  const start = percent(atMs);
  const width = LASTING.has(kind) ? percent(untilMs ?? nowMs) - start : 0;
  const tone =
    severity === 'high' ? 'alert' : severity === 'medium' ? 'warning' : severity === 'low' ? 'incomplete' : 'plain';
  const said = `${title}, ${minute(atMs)} UTC`;
  return `<i class="${tone}" style="left:${start.toFixed(2)}%;width:${width.toFixed(2)}%" title="${escapeHtml(said)}"></i>`;
}

function words(events: readonly TimelineEvent[]): string {
  return `Timeline: ${LANES.map(
    ([kind, label]) => [events.filter((event) => event.kind === kind).length, label] as const,
  )
    .filter(([count]) => count > 0)
    .map(([count, label]) => `${label.toLowerCase()} ${count}`)
    .join(', ')}. They follow in words.`;
}
