import { describe, expect, test } from '@jest/globals';
import { socketDirectory, socketFile } from './socket-directory.ts';

/** The path of the socket is then as long as given. */
function dataPathFor(socketBytes: number): string {
  return `/${'d'.repeat(socketBytes - socketFile('/run').length - 1)}`;
}

const limit = process.platform === 'linux' ? 107 : 103;

describe('socketDirectory', () => {
  test('is in the data path as long as the socket fits', () => {
    expect(socketDirectory(dataPathFor(limit), '/tmp')).toBe(`${dataPathFor(limit)}/run`);
    expect(socketFile(socketDirectory(dataPathFor(limit), '/tmp'))).toHaveLength(limit);
  });

  test('is in the temporary folder past that, the same at every start, another for another path', () => {
    const folder = socketDirectory(dataPathFor(limit + 1), '/tmp');
    expect(folder).toMatch(/^\/tmp\/model-health-[0-9a-f]{16}$/);
    expect(socketDirectory(dataPathFor(limit + 1), '/tmp')).toBe(folder);
    expect(socketDirectory(dataPathFor(limit + 2), '/tmp')).not.toBe(folder);
  });

  test('counts bytes, not characters', () => {
    expect(socketDirectory(`/${'é'.repeat(50)}`, '/tmp')).toMatch(/^\/tmp\//);
  });

  test('is an error when nothing is short enough', () => {
    expect(() => socketDirectory(dataPathFor(200), dataPathFor(200))).toThrow(
      expect.objectContaining({ code: 'SOCKET_PATH_UNUSABLE' }),
    );
  });
});
