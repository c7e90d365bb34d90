import type { LossEpisode } from '../domain/alert.ts';

/** One evaluation that found the labelled performance of a version in alert. */
export interface LossPoint {
  readonly model: string;
  readonly version: string;
  readonly atMs: number;
  readonly windowMs: number;
}

/**
 * Evaluations in alert as episodes. Two of them no further apart than the performance window rest on the same predictions and are one
 * episode. Points of one version must come in order of time; versions may mix. No points: no episodes.
 */
export function lossEpisodes(points: Iterable<LossPoint>): readonly LossEpisode[] {
  const open = new Map<string, LossEpisode>();
  const ended: LossEpisode[] = [];
  for (const { model, version, atMs, windowMs } of points) {
    const key = `${model}\0${version}`;
    const episode = open.get(key);
    if (episode !== undefined && atMs - episode.toMs <= windowMs) open.set(key, { ...episode, toMs: atMs });
    else {
      if (episode !== undefined) ended.push(episode);
      open.set(key, { model, version, fromMs: atMs, toMs: atMs, windowMs });
    }
  }
  return [...ended, ...open.values()].sort((a, b) => a.fromMs - b.fromMs);
}
