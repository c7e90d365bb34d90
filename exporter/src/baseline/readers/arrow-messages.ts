import type { Readable } from 'node:stream';
import { Message } from 'apache-arrow';
import { ServiceError } from '../../domain/service-error.ts';
import { checkMetadata, invalid } from './arrow-metadata.ts';

const CONTINUATION = -1;
const MAX_METADATA_BYTES = 16 * 1_048_576;
/** Of one record batch, and of all dictionaries together: they are in memory whole. */
const MAX_BODY_BYTES = 256 * 1_048_576;
const BITS = 8;

/**
 * The messages of an Arrow IPC stream, each as its bytes, after a look at what it says of itself: the library reserves what it is told,
 * and takes a stream that was cut off for one that ended. Throws ServiceError invalid.
 */
export async function* arrowMessages(body: Readable): AsyncGenerator<Uint8Array> {
  const bytes = new ByteQueue(body);
  let dictionaryBytes = 0;
  for (let first = true; ; first = false) {
    let prefix = await bytes.read(4);
    // A stream may end without its mark.
    if (prefix.length === 0 && !first) return;
    if (prefix.length === 4 && prefix.readInt32LE() === CONTINUATION)
      prefix = Buffer.concat([prefix, await bytes.read(4)]);
    if (prefix.length % 4 !== 0 || prefix.length === 0) throw cutOff();
    const length = prefix.readInt32LE(prefix.length - 4);
    if (length === 0) {
      if (first) throw invalid('it has no schema');
      return;
    }
    // A continuation mark with nothing behind it is read as a length, too.
    if (length < 0 || length > MAX_METADATA_BYTES)
      throw invalid('it is no Arrow IPC stream (a file of the Arrow IPC file format must be written as a stream)');
    const metadata = await bytes.read(length);
    if (metadata.length < length) throw cutOff();
    const message = decode(metadata);
    if (first !== message.isSchema()) throw invalid(first ? 'it has no schema' : 'it has two schemas');
    if (message.isDictionaryBatch()) dictionaryBytes += message.bodyLength;
    check(message, dictionaryBytes);
    const content = await bytes.read(message.bodyLength);
    if (content.length < message.bodyLength) throw cutOff();
    yield Buffer.concat([prefix, metadata, content]);
  }
}

function decode(metadata: Buffer): Message {
  try {
    checkMetadata(metadata);
    const message = Message.decode(metadata);
    // Decoded on demand: what is wrong with the header shows here.
    message.header();
    return message;
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw invalid('a message cannot be decoded', error);
  }
}

function check(message: Message, dictionaryBytes: number): void {
  const { bodyLength } = message;
  if (!Number.isSafeInteger(bodyLength) || bodyLength < 0) throw invalid('a message says that it has no valid length');
  if (bodyLength > MAX_BODY_BYTES || dictionaryBytes > MAX_BODY_BYTES)
    throw invalid('a record batch, or its dictionaries, have more than 256 MiB; write smaller batches');
  if (message.isSchema()) return;
  const batch = message.isRecordBatch() ? message.header() : message.isDictionaryBatch() ? message.header().data : null;
  if (batch === null) return;
  if (batch.compression !== null) throw invalid('its batches are compressed; write it without compression');
  // Every value takes a bit at least; a column of nulls alone takes none.
  if (!(batch.length >= 0 && batch.length <= BITS * bodyLength))
    throw invalid(`a batch says that ${batch.length} rows lie in ${bodyLength} bytes`);
  for (const { length } of batch.nodes)
    if (length !== batch.length) throw invalid('a batch has columns of different lengths');
  for (const { offset, length } of batch.buffers)
    if (!(offset >= 0 && length >= 0 && offset + length <= bodyLength))
      throw invalid('a column lies outside its batch');
}

/** Takes a body apart by length. */
class ByteQueue {
  private readonly source: AsyncIterator<unknown>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(body: Readable) {
    this.source = body[Symbol.asyncIterator]();
  }

  /** Fewer bytes at the end of the body. */
  async read(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.rest.length === 0) {
        const piece: IteratorResult<unknown, unknown> = await this.source.next();
        if (piece.done === true) break;
        this.rest = piece.value as Buffer;
      }
      const piece = this.rest.subarray(0, missing);
      this.rest = this.rest.subarray(piece.length);
      missing -= piece.length;
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }
}

function cutOff(): ServiceError {
  return invalid('it was cut off in the middle of a message');
}
