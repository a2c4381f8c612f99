/**
 * The confidential side of a federation as any authenticated cell may ask for it: who takes part, and a site's fresh evidence
 * (docs/reference/confidential-computing.md §1.7). The interface is FLARE's own between its sites and undocumented: versions this
 * product was not proven with are refused.
 */
import { DeskError } from '../../contract/errors.ts';
import { readable } from './answers.ts';
import type { CellReply } from './pending-requests.ts';
import { decodeFobs, encodeFobs } from './fobs.ts';
import { isMap } from './msgpack.ts';
import type { ConfidentialSite, SiteEvidence } from './types.ts';

export const ccChannel = 'cc_validation';
export const sitesTopic = 'get_sites';
export const evidenceTopic = 'request_fresh_token';

/** Tokens one site may hand over; FLARE has one per attester. */
const mostTokens = 32;
/** A GPU token of eight GPUs is about 60 KiB. */
const longestToken = 1024 * 1024;

/** Throws `unsupported` unless the version is one of 2.7.1 … 2.8.x; a 2.7 that does not tell its patch passes. */
export function refuseUnproven(version: string): void {
  const found = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  const [major, minor, patch] = [Number(found?.[1]), Number(found?.[2]), found?.[3]];
  const proven = major === 2 && ((minor === 7 && patch !== '0') || minor === 8);
  if (proven) return;
  throw new DeskError('unsupported', `Evidence cannot be asked for: the server is FLARE ${version}.`, {
    hint: 'The request is known for 2.7.1 to 2.8. Other sources (key broker, hosts, logs) still work.',
  });
}

export const evidenceRequest = (requester: string): Buffer => encodeFobs({ requester });

/** Reads the answer to `get_sites`: pairs of cell name and site name. Throws `remote_failed`. */
export function readSites(reply: CellReply): ConfidentialSite[] {
  const sites = readable(() => payloadOf(reply)['sites']);
  if (!Array.isArray(sites)) throw senseless('it has no list of sites');
  return sites.map((pair: unknown) => {
    const [fqcn, name] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof fqcn !== 'string' || typeof name !== 'string') throw senseless('a site has no name');
    return { fqcn, name };
  });
}

/** Reads the answer to `request_fresh_token`. Throws `remote_failed`. */
export function readEvidence(reply: CellReply): SiteEvidence {
  const payload = readable(() => payloadOf(reply));
  const { site_name: siteName, cc_info: info } = payload;
  if (typeof siteName !== 'string' || !Array.isArray(info)) throw senseless('it names no site or no tokens');
  if (info.length > mostTokens) throw senseless(`${info.length} tokens are too many`);
  const tokens = info.map((item: unknown) => {
    const token = isMap(item) ? item['_cc_token'] : undefined;
    const namespace = isMap(item) ? item['_cc_namespace'] : undefined;
    if ((typeof token !== 'string' && !(token instanceof Uint8Array)) || typeof namespace !== 'string') {
      throw senseless('a token has no content or no namespace');
    }
    if (token.length > longestToken) throw senseless('a token is too long');
    return { namespace, token };
  });
  return { siteName, tokens };
}

function payloadOf(reply: CellReply): Record<string, unknown> {
  if (reply.returnCode !== 'ok') throw senseless(reply.error || reply.returnCode);
  const payload = decodeFobs(reply.payload);
  if (!isMap(payload)) throw senseless('it is no map');
  return payload;
}

function senseless(reason: string): DeskError {
  return new DeskError('remote_failed', `The answer to the request for evidence makes no sense: ${reason}.`);
}
