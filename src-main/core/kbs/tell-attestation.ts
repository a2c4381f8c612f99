/** While a federation is watched, what its key broker shows counts as evidence of class K. */
import type { AttestationDesk } from '../attestation/desk.ts';
import type { KbsWatch, Workspace } from '../parts.ts';

/** The function it answers ends it. */
export function tellAttestation(
  attestation: Pick<AttestationDesk, 'state' | 'project' | 'tell' | 'tellFacts' | 'tellAllowed'>,
  workspace: Pick<Workspace, 'state'>,
  kbs: Pick<KbsWatch, 'hold'>,
): () => void {
  let release: (() => void) | undefined;
  // The key broker is the open project's; sites of another one may have the same names.
  const isOurs = (): boolean => workspace.state.get().open?.name === attestation.project();
  const stop = attestation.state.subscribe(({ value: { watching } }) => {
    if (!watching) {
      release?.();
      release = undefined;
      return;
    }
    release ??= kbs.hold({
      onSite: (event) => {
        if (isOurs()) attestation.tell(event);
      },
      onForeignPolicy: (words) => {
        if (isOurs()) attestation.tellFacts({ policyChangedBy: words });
      },
      onAllowed: (measurements) => {
        if (isOurs()) attestation.tellAllowed(measurements);
      },
      onVault: (isSealed) => {
        if (isOurs()) attestation.tellFacts({ vaultSealed: isSealed });
      },
    });
  });
  return () => {
    stop();
    release?.();
  };
}
