/** The draft as a replicated state. */
import type { StateValue } from '../contract/index.ts';
import { createNameLookup } from '../services/projects/index.ts';
import { createDrafts, type Draft, type Drafts } from '../services/drafts/index.ts';
import type { CoreParts } from './context.ts';
import { createStateCell, type StateCell } from './state-cell.ts';

type Value = StateValue<'drafts.current'>;

/** JSON as the contract wants it: nothing undefined, nothing a form could not show. */
const plain = (draft: Draft | null): Value => ({
  draft: draft === null ? null : (JSON.parse(JSON.stringify(draft)) as Value['draft']),
});

export async function createDraftState(
  core: CoreParts,
): Promise<{ drafts: Drafts; state: StateCell<Value> }> {
  const documents = (await core.store()).documents;
  const state = createStateCell<Value>({ draft: null });
  const drafts = createDrafts({
    documents,
    onChange: (draft) => state.set(plain(draft)),
    lookUpName: createNameLookup(),
  });
  state.set(plain(await drafts.current()));
  return { drafts, state };
}
