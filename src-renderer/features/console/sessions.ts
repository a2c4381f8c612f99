import { create } from 'zustand';
import type { Translate } from '../../app/texts.ts';
import type { Client } from '../../bridge/client.ts';
import { ConsoleSession } from './console-session.ts';
import type { ConsoleView } from './console-view.ts';

interface Sessions {
  sessions: ConsoleSession[];
  /** The state of each session as it was last told, so that a change draws. */
  views: Record<string, ConsoleView>;
  active: string | undefined;
  open(client: Client, t: Translate, kit: string, user: string): void;
  choose(id: string): void;
  close(id: string): void;
}

let next = 1;

/** The consoles of this window; they live on while another page is shown. */
export const useSessions = create<Sessions>((set, get) => ({
  sessions: [],
  views: {},
  active: undefined,
  open(client, t, kit, user) {
    const id = `console-${next++}`;
    const session = new ConsoleSession({
      id,
      kit,
      user,
      client,
      t,
      onChange: () => {
        const now = get().sessions.find((item) => item.id === id);
        if (now) set((was) => ({ views: { ...was.views, [id]: now.view } }));
      },
    });
    set((was) => ({
      sessions: [...was.sessions, session],
      views: { ...was.views, [id]: session.view },
      active: id,
    }));
  },
  choose: (id) => set({ active: id }),
  close(id) {
    get()
      .sessions.find((session) => session.id === id)
      ?.close();
    set((was) => {
      const sessions = was.sessions.filter((session) => session.id !== id);
      const { [id]: _, ...views } = was.views;
      return { sessions, views, active: was.active === id ? sessions.at(-1)?.id : was.active };
    });
  },
}));
