import { DictionaryBatch } from 'apache-arrow/fb/dictionary-batch';
import { Message } from 'apache-arrow/fb/message';
import { MessageHeader } from 'apache-arrow/fb/message-header';
import { RecordBatch } from 'apache-arrow/fb/record-batch';
import { Schema } from 'apache-arrow/fb/schema';
import { Type } from 'apache-arrow/fb/type';
import { ByteBuffer } from 'flatbuffers';
import { ServiceError } from '../../domain/service-error.ts';

const ENTRY_BYTES = 4;

/**
 * A look at a message's metadata before it is decoded: a list in it says how long it is, and the decoder believes it. Lists together may
 * have no more entries than the metadata has room for; nested columns, in which lists multiply, are refused here.
 */
export function checkMetadata(bytes: Uint8Array): void {
  const message = Message.getRootAsMessage(new ByteBuffer(bytes));
  let room = bytes.length / ENTRY_BYTES;
  const count = (entries: number) => {
    room -= entries;
    if (!(entries >= 0 && room >= 0)) throw invalid('a message has a list that is longer than the message');
  };
  count(message.customMetadataLength());
  switch (message.headerType()) {
    case MessageHeader.Schema:
      checkSchema(header(message, new Schema()), count);
      break;
    case MessageHeader.RecordBatch:
      checkBatch(header(message, new RecordBatch()), count);
      break;
    case MessageHeader.DictionaryBatch:
      checkBatch(header(message, new DictionaryBatch()).data(), count);
      break;
    default:
      throw invalid('it holds a message that is neither a schema nor a batch');
  }
}

function header<T extends Schema | RecordBatch | DictionaryBatch>(message: Message, into: T): T {
  const found = message.header(into) as T | null;
  if (found === null) throw invalid('a message has no header');
  return found;
}

function checkSchema(schema: Schema, count: (entries: number) => void): void {
  const fields = schema.fieldsLength();
  count(fields);
  count(schema.customMetadataLength());
  count(schema.featuresLength());
  for (let i = 0; i < fields; i++) {
    const field = schema.fields(i);
    if (field === null) throw invalid('a column has no description');
    if (field.childrenLength() > 0 || field.typeType() === Type.Union)
      throw invalid(`column ${quote(field.name() ?? '')} is nested; leave it out, or make flat columns of it`);
    count(field.customMetadataLength());
  }
}

function checkBatch(batch: RecordBatch | null, count: (entries: number) => void): void {
  if (batch === null) throw invalid('a dictionary has no entries');
  count(batch.nodesLength());
  count(batch.buffersLength());
  count(batch.variadicBufferCountsLength());
  for (let i = 0; i < batch.variadicBufferCountsLength(); i++) {
    const buffers = batch.variadicBufferCounts(i) ?? 0n;
    if (buffers < 0n || buffers > batch.buffersLength()) throw invalid('a column has more parts than its batch');
  }
}

export function invalid(what: string, cause?: unknown): ServiceError {
  return new ServiceError('invalid', `The Arrow stream cannot be read: ${what}.`, { cause });
}

export function quote(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
