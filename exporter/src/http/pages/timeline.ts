import type { TimelineEvent } from '../../alerting/timeline.ts';
import { escapeHtml } from './page.ts';

const LANES: readonly (readonly [TimelineEvent['kind'], string])[] = [
  ['alert', 'Alerts'],
  ['verdict', 'Verdicts'],
  ['acknowledged', 'Acknowledged'],
  ['baseline', 'Baselines'],
  ['maintenance', 'Maintenance'],
];
const WIDTH = 900;
const LEFT = 110;
const LANE = 26;
const DAY_MS = 86_400_000;
const DAYS_A_TICK = 5;
/** A moment, or something too short to be seen. */
const LEAST_WIDTH = 4;

/** What happened to a model from `fromMs` to `toMs`, as a drawing with words for those who cannot see it; '' without events. */
export function timelineHtml(events: readonly TimelineEvent[], fromMs: number, toMs: number): string {
  if (events.length === 0) return '';
  const lanes = LANES.filter(([kind]) => events.some((event) => event.kind === kind));
  const height = lanes.length * LANE + 24;
  const x = (ms: number) => LEFT + ((WIDTH - LEFT) * (Math.min(Math.max(ms, fromMs), toMs) - fromMs)) / (toMs - fromMs);
  const rows = lanes.map(([kind, label], lane) => {
    const y = lane * LANE;
    const marks = events.filter((event) => event.kind === kind).map((event) => mark(event, x, y, toMs));
    return `<text x="0" y="${y + 17}">${label}</text><line x1="${LEFT}" x2="${WIDTH}" y1="${y + LANE - 1}" y2="${y + LANE - 1}"/>${marks.join('')}`;
  });
  const days = Array.from({ length: 7 }, (_, i) => fromMs + i * DAYS_A_TICK * DAY_MS).filter((ms) => ms <= toMs);
  const ticks = days.map(
    (ms, i) =>
      `<text x="${x(ms).toFixed(1)}" y="${height - 4}" text-anchor="${i === 0 ? 'start' : i === days.length - 1 ? 'end' : 'middle'}">${new Date(ms).toISOString().slice(5, 10)}</text>`,
  );
  return `<h2>The last 30 days</h2>
<div class="timeline"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(words(events))}">${rows.join('')}${ticks.join('')}</svg></div>`;
}

function mark(
  { atMs, untilMs, kind, title, severity }: TimelineEvent,
  x: (ms: number) => number,
  y: number,
  nowMs: number,
): string {
  const start = x(atMs);
  const end = kind === 'alert' || kind === 'maintenance' ? x(untilMs ?? nowMs) : start;
  const width = Math.max(LEAST_WIDTH, end - start);
  const tone =
    severity === 'high' ? 'alert' : severity === 'medium' ? 'warning' : severity === 'low' ? 'incomplete' : 'plain';
  return `<rect class="${tone}" x="${Math.min(start, WIDTH - width).toFixed(1)}" y="${y + 5}" width="${width.toFixed(1)}" height="${LANE - 11}" rx="2"><title>${escapeHtml(`${title}, ${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`)}</title></rect>`;
}

function words(events: readonly TimelineEvent[]): string {
  return `Timeline: ${LANES.map(
    ([kind, label]) => [events.filter((event) => event.kind === kind).length, label] as const,
  )
    .filter(([count]) => count > 0)
    .map(([count, label]) => `${label.toLowerCase()} ${count}`)
    .join(', ')}. The list below has them in words.`;
}
