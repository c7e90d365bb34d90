import { describe, expect, test } from '@jest/globals';

import type { LoadResult } from './load-config.ts';
import { ConfigHolder } from './reload.ts';

const BAD: LoadResult<string> = { ok: false, errors: [{ line: 1, column: 2, path: 'a', message: 'is wrong' }] };

/** A holder whose next loads give `results` one after the other, and a clock that is set by hand. */
function holder(...results: LoadResult<string>[]) {
  const clock = { nowMs: 1000, now: () => clock.nowMs };
  const load = () => results.shift()!;
  return { clock, holder: new ConfigHolder(load, 'first', clock) };
}

describe('ConfigHolder', () => {
  test('starts with what was loaded at start', () => {
    const { holder: config } = holder();
    expect(config.settings).toBe('first');
    expect(config.status).toEqual({ successful: true, lastSuccessMs: 1000 });
  });

  test('a good configuration replaces the old one and is told to the subscribers', () => {
    const { holder: config, clock } = holder({ ok: true, settings: 'second' });
    const told: string[] = [];
    config.subscribe((settings) => told.push(`a ${settings}, in force: ${config.settings}`));
    config.subscribe((settings) => told.push(`b ${settings}`));
    clock.nowMs = 2000;
    expect(config.reload()).toEqual({ ok: true, errors: [] });
    expect(config.settings).toBe('second');
    expect(config.status).toEqual({ successful: true, lastSuccessMs: 2000 });
    expect(told).toEqual(['a second, in force: second', 'b second']);
  });

  test('a bad configuration changes nothing but the status, until a good one comes', () => {
    const { holder: config, clock } = holder(BAD, { ok: true, settings: 'third' });
    const told: string[] = [];
    config.subscribe((settings) => told.push(settings));
    clock.nowMs = 2000;
    expect(config.reload()).toEqual({ ok: false, errors: [{ line: 1, column: 2, path: 'a', message: 'is wrong' }] });
    expect(config.settings).toBe('first');
    expect(config.status).toEqual({ successful: false, lastSuccessMs: 1000 });
    expect(told).toEqual([]);
    clock.nowMs = 3000;
    config.reload();
    expect(config.status).toEqual({ successful: true, lastSuccessMs: 3000 });
    expect(told).toEqual(['third']);
  });

  test('who has unsubscribed is not told', () => {
    const { holder: config } = holder({ ok: true, settings: 'second' });
    const told: string[] = [];
    const end = config.subscribe((settings) => told.push(settings));
    end();
    end();
    config.reload();
    expect(told).toEqual([]);
  });

  test('a subscriber that throws does not keep the others from being told', () => {
    const { holder: config } = holder({ ok: true, settings: 'second' });
    const told: string[] = [];
    const fault = new Error('cannot take it');
    config.subscribe(() => {
      throw fault;
    });
    config.subscribe((settings) => told.push(settings));
    expect(() => config.reload()).toThrow(expect.objectContaining({ errors: [fault] }));
    expect(told).toEqual(['second']);
    expect(config.settings).toBe('second');
    expect(config.status.successful).toBe(true);
  });
});
