/** Job upload and download (docs/reference/admin-protocol.md §9.2, §9.3). */
import { randomUUID } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import type { CellReply } from './pending-requests.ts';
import { ProtocolError } from './errors.ts';
import { decodeFobs, encodeFobs, shareable } from './fobs.ts';
import { isMap, type MsgpackMap } from './msgpack.ts';
import { chunkBytes, type ProtocolProfile } from './profiles.ts';
import type { UploadSource } from './types.ts';

const uploadChannel = 'aux_communication';
const uploadTopic = 'ObjectStreamer.Request';
const abortTopic = 'ObjectStreamer.Abort';

/** What a transfer needs of a session: one streamed request and its reply. */
export type TransferRequest = (channel: string, topic: string, payload: Buffer) => Promise<CellReply>;

export interface UploadPlan {
  user: string;
  /** The request document of the upload command, with the session token. */
  requestText: string;
  source: UploadSource;
  profile: ProtocolProfile;
  request: TransferRequest;
  /** Tells the server that the rest will not come. */
  notice(channel: string, topic: string, payload: Buffer): Promise<void>;
  onProgress?: ((sentBytes: number) => void) | undefined;
}

/**
 * Sends an archive chunk by chunk, each after the answer to the one before. Gives the text of the command's reply
 * document. An upload that fails on our side is called off at the server.
 */
export async function uploadArchive(plan: UploadPlan): Promise<string> {
  const transaction = randomUUID();
  const { source, profile, user } = plan;
  const prefix = profile.uploadKeyPrefix;
  const base = {
    'ObjectStreamer.TX_ID': transaction,
    __peer_props__: { __run_num__: '', __identity_name__: user },
  };
  let sequence = 0;
  let sent = 0;
  try {
    for await (const { bytes, isLast } of cut(source)) {
      const context = {
        conn_data: plan.requestText,
        'FileStreamer.file_size': source.size,
        [`${prefix}file_name`]: source.name,
        __topic__: 'folder',
        __channel__: 'hci.upload',
      };
      const payload = shareable({
        __headers__: {
          'ObjectStreamer.CHANNEL': 'hci.upload',
          'ObjectStreamer.TOPIC': 'folder',
          'ObjectStreamer.SEQ': sequence,
          ...(sequence === 0 ? { 'ObjectStreamer.CTX': context } : {}),
          __topic__: uploadTopic,
          ...base,
        },
        [`${prefix}data`]: bytes,
        [`${prefix}size`]: bytes.length,
        [`${prefix}eof`]: isLast,
      });
      const reply = await plan.request(uploadChannel, uploadTopic, encodeFobs(payload));
      sequence += 1;
      sent += bytes.length;
      const result = checkUploadReply(reply);
      plan.onProgress?.(sent);
      if (isLast) {
        if (result === undefined)
          throw new ProtocolError('the last part was accepted, the command was not answered');
        return result;
      }
    }
    throw new ProtocolError('the archive has no end');
  } catch (error) {
    const abort = shareable({ __headers__: { __rc__: 'TASK_ABORTED', __topic__: abortTopic, ...base } });
    if (sequence > 0) await plan.notice(uploadChannel, abortTopic, encodeFobs(abort)).catch(() => undefined);
    throw error;
  }
}

/** Gives the command's reply text when the reply has it; throws when the chunk was not accepted. */
function checkUploadReply(reply: CellReply): string | undefined {
  if (reply.returnCode !== 'ok') throw refused(reply.error || reply.returnCode);
  const body = decodeFobs(reply.payload);
  const headers = isMap(body) ? body['__headers__'] : undefined;
  if (!isMap(headers)) throw new ProtocolError('the answer to a part of the archive has no headers');
  const code = headers['__rc__'];
  if (code !== undefined && code !== 'OK') throw refused(typeof code === 'string' ? code : 'no reason given');
  const result = headers['ObjectStreamer.END_RESULT'];
  return typeof result === 'string' ? result : undefined;
}

function refused(reason: string): DeskError {
  return new DeskError('remote_failed', `The server did not take the archive: ${reason.slice(0, 300)}.`, {
    hint: 'The log of the server tells more; often its disk is full or the session ended.',
  });
}

/** Cuts what the source yields to chunks of 1 MiB; the last is shorter, empty when the size is a multiple. */
async function* cut(source: UploadSource): AsyncGenerator<{ bytes: Uint8Array; isLast: boolean }> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  let total = 0;
  for await (const piece of source.read()) {
    total += piece.length;
    if (total > source.size) throw wrongLength(source, `more than ${source.size}`);
    let rest = piece;
    while (held + rest.length >= chunkBytes) {
      const room = chunkBytes - held;
      yield { bytes: Buffer.concat([...pieces, rest.subarray(0, room)], chunkBytes), isLast: false };
      rest = rest.subarray(room);
      pieces = [];
      held = 0;
    }
    if (rest.length > 0) {
      pieces.push(rest);
      held += rest.length;
    }
  }
  if (total !== source.size) throw wrongLength(source, `${total}`);
  yield { bytes: Buffer.concat(pieces, held), isLast: true };
}

function wrongLength(source: UploadSource, found: string): DeskError {
  return new DeskError('invalid_input', `"${source.name}" gave ${found} bytes instead of ${source.size}.`, {
    hint: 'The files changed while they were sent. Try again.',
    retryable: true,
  });
}

/** One step of a download: bytes and how far the file is now, or the end. */
export type DownloadStep = { bytes: Uint8Array; received: number } | 'end';

export function downloadRequest(refId: string, received: number): Buffer {
  return encodeFobs({ ref_id: refId, ...(received > 0 ? { state: { received_bytes: received } } : {}) });
}

/** True when the server does not know the channel: it is of another version than supposed (§9.3). */
export function isUnknownChannel(reply: CellReply): boolean {
  return reply.returnCode === 'process_exception' && /no callback/i.test(reply.error);
}

/** Reads the reply to a download request made at `received`. */
export function downloadStep(reply: CellReply, received: number): DownloadStep {
  if (reply.returnCode === 'invalid_request') {
    throw new DeskError('not_found', 'The server does not offer this file any more.', {
      hint: 'Offers last a few seconds without a request. Ask for the download again.',
      retryable: true,
    });
  }
  if (reply.returnCode !== 'ok') {
    throw new DeskError(
      'remote_failed',
      `The server refused the download: ${reply.error || reply.returnCode}.`,
    );
  }
  const body = decodeFobs(reply.payload);
  if (!isMap(body)) throw new ProtocolError('the answer to a download request is not a map');
  if (body['status'] === 'eof') return 'end';
  if (body['status'] !== 'ok') {
    throw new DeskError('remote_failed', 'The server could not read the file.', {
      hint: 'Look at the log of the server.',
    });
  }
  const bytes = body['data'];
  const state: MsgpackMap = isMap(body['state']) ? body['state'] : {};
  if (
    !(bytes instanceof Uint8Array) ||
    state['received_bytes'] !== received + bytes.length ||
    bytes.length === 0
  ) {
    throw new ProtocolError('the parts of the file do not fit together');
  }
  return { bytes, received: received + bytes.length };
}
