import { useEffect } from 'react';

/** For a dialog that is there only while it is open: gives the focus back to what had it before. */
export function useReturnFocus(open = true): void {
  useEffect(() => {
    if (!open) return undefined;
    const before = document.activeElement;
    return () => {
      // After the dialog's own trap has let go.
      setTimeout(() => before instanceof HTMLElement && before.isConnected && before.focus());
    };
  }, [open]);
}
