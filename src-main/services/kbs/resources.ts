/** The resources of a key broker: secrets that go in and are never read by the console (docs/reference/confidential-computing.md §4.1). */
import { open } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';
import type { TrusteeProfile } from '../../domain/kbs/index.ts';
import { bodyLimit, type KbsClient } from './client.ts';

const pathOf = (resource: string): string => `/kbs/v0/resource/${resource}`;

/**
 * Puts the bytes of a file as the resource `repository/type/tag`, in place of what stood there; answers their number. Only a VM
 * can read it back. Throws `not_found`, `denied`, `invalid_input` (an empty file), `too_large`, what the client throws.
 */
export async function putResource(
  client: KbsClient,
  resource: string,
  file: string,
  signal?: AbortSignal,
): Promise<number> {
  const body = await contentOf(file);
  try {
    await client.demand(
      {
        method: 'POST',
        path: pathOf(resource),
        admin: true,
        body,
        contentType: 'application/octet-stream',
      },
      `put the resource ${resource}`,
      signal,
    );
    return body.length;
  } finally {
    body.fill(0);
  }
}

async function contentOf(file: string): Promise<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new DeskError(missing ? 'not_found' : 'denied', `${file} cannot be read.`, { cause });
  });
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new DeskError('invalid_input', `${file} is no file.`);
    if (facts.size === 0) throw new DeskError('invalid_input', `${file} is empty: nothing was put.`);
    if (facts.size > bodyLimit) {
      throw new DeskError('too_large', `${file} is ${facts.size} bytes; the key broker takes 2 MiB.`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Deletes a resource. Throws `unsupported` before Trustee v0.20, and what the client throws. */
export async function deleteResource(
  client: KbsClient,
  { resourceDelete, release }: Pick<TrusteeProfile, 'resourceDelete' | 'release'>,
  resource: string,
  signal?: AbortSignal,
): Promise<void> {
  if (!resourceDelete) {
    throw new DeskError('unsupported', `Trustee ${release} cannot delete a resource; v0.20 is the first.`, {
      hint: 'Take its rule out of the policy, so that nobody gets it; then delete it in the storage behind the key broker.',
    });
  }
  await client.demand(
    { method: 'DELETE', path: pathOf(resource), admin: true },
    `delete the resource ${resource}`,
    signal,
  );
}
