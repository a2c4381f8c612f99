import type { ReactNode } from 'react';

export interface DataColumn<Row> {
  id: string;
  header: string;
  /** What is sorted, filtered and exported. */
  value(row: Row): string | number | undefined;
  /** What is drawn; the value as text when missing. */
  cell?(row: Row): ReactNode;
  /** CSS grid track: `120px`, `minmax(160px, 2fr)`. */
  width: string;
  numeric?: boolean;
  /** May be left out where the room is narrow, the highest first. Its value stays in exports and the filter. */
  dispensable?: number;
  /** Drawn in the column's header, after its name. */
  headerExtra?: ReactNode;
}
