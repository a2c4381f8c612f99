import { useCallback } from 'react';
import type { CallInput, CallOutput } from '../../src-main/contract/index.ts';
import { useClient } from '../bridge/provider.tsx';

/** A file or folder of this machine: what a person sees of it, and the token that stands for it. */
export type Place = NonNullable<CallOutput<'places.pick'>['place']>;

/** Lets a person choose a file or folder; undefined when none was chosen. */
export function usePick(): (
  purpose: CallInput<'places.pick'>['purpose'],
  suggestedName?: string,
) => Promise<Place | undefined> {
  const client = useClient();
  return useCallback(
    async (purpose, suggestedName) => {
      const named = suggestedName === undefined ? {} : { suggested_name: suggestedName };
      const picked = await client.call('places.pick', { purpose, ...named });
      return picked.ok ? (picked.value.place ?? undefined) : undefined;
    },
    [client],
  );
}
