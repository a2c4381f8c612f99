import { notifications } from '@mantine/notifications';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { useAction } from '../../state/action.ts';
import { isUntouched } from '../../state/draft-files.ts';
import type { Draft } from './draft.ts';

/** Writes both files. A file that another program changed is a conflict to decide, never overwritten silently. */
export function useSave(draft: Draft) {
  const t = useTexts();
  const client = useClient();
  return useAction(async (keep: 'mine' | 'disk' | undefined) => {
    // Nothing of one's own: what is on disk holds, also when another program wrote it since.
    const isUnchanged = draft.kind !== 'new' && isUntouched(draft.files);
    const kept = keep ?? (isUnchanged ? 'disk' : undefined);
    const answer = await client.call('drafts.save', kept ? { keep: kept } : {});
    if (answer.ok) notifications.show({ message: `${t('project.saved')}: ${draft.label}` });
    return answer;
  });
}
