import { useCallback, useEffect, useRef, useState } from 'react';

/** Milliseconds between two drawings of a log that grows. */
const settleMs = 50;
/** The newest lines are kept: what a window holds of a log has an end. */
const mostLines = 200_000;

/** Lines of a log as they come: many arrivals are one drawing, and the oldest give way. */
export function useLogLines(): { lines: string[]; add: (lines: string[]) => void; clear: () => void } {
  const [lines, setLines] = useState<string[]>([]);
  const waiting = useRef<string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const show = useCallback(() => {
    timer.current = undefined;
    const more = waiting.current;
    waiting.current = [];
    setLines((was) => was.concat(more).slice(-mostLines));
  }, []);
  const add = useCallback(
    (more: string[]) => {
      for (const line of more) waiting.current.push(line);
      timer.current ??= setTimeout(show, settleMs);
    },
    [show],
  );
  const clear = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = undefined;
    waiting.current = [];
    setLines([]);
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);
  return { lines, add, clear };
}
