/**
 * What differs between server versions on the wire, as data (docs/reference/admin-protocol.md §10).
 * A later line is one more entry here. Newest first: of several that fit, the first is tried first.
 */
export interface ProtocolProfile {
  name: string;
  /** The version as far as the login tells it. */
  version: string;
  /** What the session token has: a study, the end of the certificate (§4.4). */
  signs: { study: boolean; certificateEnd: boolean };
  /** `report_version server` gives the exact version. */
  reportsVersion: boolean;
  uploadKeyPrefix: 'FileStreamer.' | 'Streamer.';
  download: { channel: string; topic: string };
}

const MiB = 1024 * 1024;
const downloadService = { channel: 'download_service__', topic: 'download_service__download' };
const objectDownloader = { channel: 'obj_downloader__', topic: 'obj_downloader__download' };

export const protocolProfiles: readonly ProtocolProfile[] = [
  {
    name: '2.9',
    version: '2.9',
    signs: { study: true, certificateEnd: true },
    reportsVersion: true,
    uploadKeyPrefix: 'Streamer.',
    download: downloadService,
  },
  {
    name: '2.8',
    version: '2.8',
    signs: { study: true, certificateEnd: false },
    reportsVersion: true,
    uploadKeyPrefix: 'Streamer.',
    download: downloadService,
  },
  {
    name: '2.7.2',
    version: '2.7',
    signs: { study: false, certificateEnd: false },
    reportsVersion: false,
    uploadKeyPrefix: 'FileStreamer.',
    download: downloadService,
  },
  {
    name: '2.7.0 and 2.7.1',
    version: '2.7',
    signs: { study: false, certificateEnd: false },
    reportsVersion: false,
    uploadKeyPrefix: 'FileStreamer.',
    download: objectDownloader,
  },
];

/** The profiles that agree with all signs, newest first. Empty for a server this product does not know. */
export function profilesFor(signs: Partial<ProtocolProfile['signs']>): ProtocolProfile[] {
  return protocolProfiles.filter((profile) =>
    Object.entries(signs).every(
      ([sign, value]) => profile.signs[sign as keyof ProtocolProfile['signs']] === value,
    ),
  );
}

/** What is the same for all versions known. */
export const chunkBytes = MiB;
export const ackIntervalBytes = 4 * MiB;
/** Unacknowledged bytes we may have on the way; the smallest window of all versions. */
export const windowBytes = 16 * MiB;
