import { pipeline, Readable, Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { holdBytes, onStalled } from './body-guard.ts';
import { HttpError } from './problem-details.ts';

export interface BodyCaps {
  /** As they come in. */
  readonly bytes: number;
  /** After decompression. */
  readonly decompressedBytes: number;
}

const GZIP_MAGIC = [0x1f, 0x8b];
/** Node has zstd from 22.15. */
const ACCEPTED = { 'accept-encoding': `gzip, deflate, br${'createZstdDecompress' in zlib ? ', zstd' : ''}` };

/**
 * A request's body as a stream of at most the allowed bytes, decompressed by its Content-Encoding. A cap is enforced while the bytes
 * flow, so that a bomb costs no more than the cap.
 */
export function bodyStream(request: Readable, encoding: string | undefined, caps: BodyCaps): Readable {
  const limited = capped(caps.bytes, 'The body');
  const decoder = decoderOf(encoding);
  const stages =
    decoder === null ? [limited] : [limited, decoder, capped(caps.decompressedBytes, 'The decompressed body')];
  onStalled(request, (error) => limited.destroy(error));
  request.on('error', (error) => limited.destroy(error));
  request.on('close', () => {
    if (!request.readableEnded) limited.destroy(new HttpError(400, 'The body was cut off.'));
  });
  // A failed stage ends the others, but not the request: its connection still has to carry the answer.
  const failed = () => request.unpipe(limited).resume();
  if (stages.length > 1) pipeline(stages, (error) => error && failed());
  else limited.on('error', failed);
  request.pipe(limited);
  return stages.at(-1)!;
}

/** The whole body, empty when there is none. gzip is recognised by its magic bytes, too: proxies strip the header. */
export async function readBody(request: unknown, encoding: string | undefined, caps: BodyCaps): Promise<Buffer> {
  if (!(request instanceof Readable)) return Buffer.alloc(0);
  const bytes = await collect(request, bodyStream(request, encoding, caps));
  const stripped = decoderOf(encoding) === null && bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1];
  return stripped ? collect(request, gunzipped(bytes, caps)) : bytes;
}

/** A failure of any of the stages is one of the last. */
function gunzipped(bytes: Buffer, { decompressedBytes }: BodyCaps): Readable {
  const last = capped(decompressedBytes, 'The decompressed body');
  pipeline([Readable.from([bytes]), zlib.createGunzip(), last], () => undefined);
  return last;
}

async function collect(request: Readable, stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of stream) {
      holdBytes(request, (piece as Buffer).length);
      pieces.push(piece as Buffer);
    }
  } catch (error) {
    throw asHttpError(error);
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

function decoderOf(encoding: string | undefined): Transform | null {
  switch ((encoding ?? 'identity').trim().toLowerCase()) {
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip();
    case 'deflate':
      return zlib.createInflate();
    case 'br':
      return zlib.createBrotliDecompress();
    case 'zstd':
      if ('createZstdDecompress' in zlib)
        return (zlib as unknown as { createZstdDecompress(): Transform }).createZstdDecompress();
      throw new HttpError(415, 'This Node.js cannot read zstd; send gzip, deflate or br.', ACCEPTED);
    default:
      throw new HttpError(415, 'Content-Encoding must be gzip, deflate, br, zstd or identity.', ACCEPTED);
  }
}

function capped(limit: number, what: string): Transform {
  let seen = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      seen += piece.length;
      if (seen > limit) done(new HttpError(413, `${what} has more than ${limit} bytes.`));
      else done(null, piece);
    },
  });
}

export function asHttpError<T>(error: T): T | HttpError {
  if (error instanceof HttpError || typeof error !== 'object' || error === null || !('code' in error)) return error;
  const code = String(error.code);
  if (code === 'ERR_BUFFER_TOO_LARGE') return new HttpError(413, 'The decompressed body is too large.');
  if (/^(Z_|ZSTD_|ERR__ERROR_|ERR_BROTLI|ERR_ZSTD|ERR_PADDING|ERR_TRAILING)/.test(code))
    return new HttpError(400, 'The body is not what its Content-Encoding says.');
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
    ? new HttpError(400, 'The body was cut off.')
    : error;
}
