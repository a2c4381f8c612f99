/** A line editor as data: keys in, a new state out. Knows nothing of a terminal. */

export interface LineState {
  text: string;
  /** Position in `text`, UTF-16 units. */
  cursor: number;
  /** Which history line is shown; `history.length` is the line being typed. */
  historyIndex: number;
  /** The line that was being typed before the history was walked. */
  draft: string;
  /** Reverse search through the history (Ctrl+R). */
  search?: { query: string; skip: number };
  /** What was cut last (Ctrl+K, Ctrl+U, Ctrl+W), for Ctrl+Y. */
  cut: string;
}

export const emptyLine = (history: readonly string[], cut = ''): LineState => ({
  text: '',
  cursor: 0,
  historyIndex: history.length,
  draft: '',
  cut,
});

export type EditKey =
  | { type: 'insert'; text: string }
  | {
      type:
        | 'left'
        | 'right'
        | 'word-left'
        | 'word-right'
        | 'home'
        | 'end'
        | 'backspace'
        | 'delete'
        | 'cut-to-end'
        | 'cut-to-start'
        | 'cut-word'
        | 'paste-cut'
        | 'up'
        | 'down'
        | 'search'
        | 'leave-search';
    };

/** Longest line the contract takes. */
export const longestLine = 65_536;

const wordStart = (text: string, from: number): number => {
  const before = text.slice(0, from).trimEnd();
  return before.length - (/\S+$/.exec(before)?.[0].length ?? 0);
};
const wordEnd = (text: string, from: number): number => {
  const rest = text.slice(from);
  return from + (/^\s*\S*/.exec(rest)?.[0].length ?? 0);
};
/** The whole character before or behind a position: a surrogate pair counts as one. */
const stepBack = (text: string, at: number): number => {
  const low = text.charCodeAt(at - 1);
  return Math.max(0, at - (at >= 2 && low >= 0xdc00 && low <= 0xdfff ? 2 : 1));
};
const stepOn = (text: string, at: number): number => {
  const high = text.charCodeAt(at);
  return Math.min(text.length, at + (high >= 0xd800 && high <= 0xdbff ? 2 : 1));
};

/** The history line a reverse search shows; undefined when none matches. */
export function searchHit(state: LineState, history: readonly string[]): string | undefined {
  if (!state.search || state.search.query === '') return undefined;
  const { query, skip } = state.search;
  const hits = [...new Set(history.toReversed())].filter((line) => line.includes(query));
  return hits[Math.min(skip, hits.length - 1)];
}

const insert = (state: LineState, text: string): LineState => {
  const room = longestLine - state.text.length;
  const added = text.slice(0, room);
  return {
    ...state,
    text: state.text.slice(0, state.cursor) + added + state.text.slice(state.cursor),
    cursor: state.cursor + added.length,
  };
};

const remove = (state: LineState, from: number, to: number, keep: boolean): LineState => ({
  ...state,
  text: state.text.slice(0, from) + state.text.slice(to),
  cursor: from,
  cut: keep && to > from ? state.text.slice(from, to) : state.cut,
});

const walk = (state: LineState, history: readonly string[], step: 1 | -1): LineState => {
  const index = state.historyIndex + step;
  if (index < 0 || index > history.length) return state;
  const draft = state.historyIndex === history.length ? state.text : state.draft;
  const text = index === history.length ? draft : (history[index] ?? '');
  return { ...state, draft, historyIndex: index, text, cursor: text.length };
};

function searching(state: LineState, key: EditKey, history: readonly string[]): LineState {
  const search = state.search ?? { query: '', skip: 0 };
  const take = (): LineState => {
    const text = searchHit(state, history) ?? state.text;
    const { search: _, ...rest } = state;
    return { ...rest, text, cursor: text.length };
  };
  switch (key.type) {
    case 'insert':
      return { ...state, search: { query: search.query + key.text, skip: 0 } };
    case 'backspace':
      return { ...state, search: { query: search.query.slice(0, -1), skip: 0 } };
    case 'search':
      return { ...state, search: { ...search, skip: search.skip + 1 } };
    case 'leave-search': {
      const { search: _, ...rest } = state;
      return rest;
    }
    default:
      return edit(take(), key, history);
  }
}

/** One key. */
export function edit(state: LineState, key: EditKey, history: readonly string[]): LineState {
  if (state.search) return searching(state, key, history);
  const { text, cursor } = state;
  switch (key.type) {
    case 'insert':
      return insert(state, key.text);
    case 'left':
      return { ...state, cursor: stepBack(text, cursor) };
    case 'right':
      return { ...state, cursor: stepOn(text, cursor) };
    case 'word-left':
      return { ...state, cursor: wordStart(text, cursor) };
    case 'word-right':
      return { ...state, cursor: wordEnd(text, cursor) };
    case 'home':
      return { ...state, cursor: 0 };
    case 'end':
      return { ...state, cursor: text.length };
    case 'backspace':
      return remove(state, stepBack(text, cursor), cursor, false);
    case 'delete':
      return remove(state, cursor, stepOn(text, cursor), false);
    case 'cut-to-end':
      return remove(state, cursor, text.length, true);
    case 'cut-to-start':
      return remove(state, 0, cursor, true);
    case 'cut-word':
      return remove(state, wordStart(text, cursor), cursor, true);
    case 'paste-cut':
      return insert(state, state.cut);
    case 'up':
      return walk(state, history, -1);
    case 'down':
      return walk(state, history, 1);
    case 'search':
      return { ...state, search: { query: '', skip: 0 } };
    case 'leave-search':
      return state;
  }
}

/** Puts a completion in: replaces the line from `from` to the cursor. */
export function complete(state: LineState, from: number, text: string): LineState {
  return {
    ...state,
    text: state.text.slice(0, from) + text + state.text.slice(state.cursor),
    cursor: from + text.length,
  };
}

/** The longest beginning that all candidates share. */
export function commonPrefix(texts: string[]): string {
  const first = texts[0] ?? '';
  let length = first.length;
  for (const text of texts) {
    while (!text.startsWith(first.slice(0, length))) length -= 1;
  }
  return first.slice(0, length);
}

/** Splits `command > file` and `command >> file`; quotes are respected. */
export function splitRedirect(line: string): { command: string; file?: string; append: boolean } {
  let quote: string | undefined;
  for (let index = 0; index < line.length; index++) {
    const char = line[index];
    if (quote) {
      if (char === quote) quote = undefined;
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '>') {
      const append = line[index + 1] === '>';
      const file = line.slice(index + (append ? 2 : 1)).trim();
      return { command: line.slice(0, index).trim(), ...(file ? { file } : {}), append };
    }
  }
  return { command: line.trim(), append: false };
}
