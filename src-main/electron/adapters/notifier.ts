/** The only user of the system's notifications. */
import { Notification } from 'electron';

export interface Notice {
  title: string;
  body: string;
}

/** Shows a notice; `onClick` when the person clicks it. */
export type Notify = (notice: Notice, onClick: () => void) => void;

/** `wanted` is asked each time: the person may have switched notifications off. */
export function createNotifier(wanted: () => boolean): Notify {
  // One that nobody holds is collected, and its click is lost.
  const shown = new Set<Notification>();
  return (notice, onClick) => {
    if (!wanted() || !Notification.isSupported()) return;
    const notification = new Notification(notice);
    shown.add(notification);
    notification.on('click', () => {
      shown.delete(notification);
      onClick();
    });
    for (const end of ['close', 'failed'] as const)
      notification.on(end as 'close', () => shown.delete(notification));
    notification.show();
  };
}
