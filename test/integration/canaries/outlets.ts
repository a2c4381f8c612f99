/** What a core leaves behind: the files of its state folder and the rows of its store. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export const filesBelow = async (place: string): Promise<string[]> =>
  (await readdir(place, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** The rows of the store in there as text: in the file a long one lies in pieces. */
export async function rowsOfStore(stateFolder: string): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  const file = (await filesBelow(stateFolder)).find((name) => /\.(db|sqlite3?)$/.test(name));
  if (file === undefined) throw new Error('The state folder holds no store.');
  const database = new DatabaseSync(file, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  for (const { name } of tables as { name: string }[]) {
    const all = database.prepare(`SELECT * FROM "${name}"`).all();
    rows.set(`table ${name}`, all.flatMap((row) => Object.values(row).map(String)).join('\n'));
  }
  database.close();
  return rows;
}
