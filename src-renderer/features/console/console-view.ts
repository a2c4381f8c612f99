export interface ResultTable {
  line: string;
  rows: string[][];
}

/** What a page shows of a console besides its terminal. */
export interface ConsoleView {
  state: 'connecting' | 'connected' | 'reconnecting' | 'closed';
  user: string;
  lastTable?: ResultTable;
  /** Lines of a paste that waits for a decision. */
  paste?: string[];
}
