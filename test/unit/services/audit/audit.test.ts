import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Audit, createAudit } from '../../../../src-main/services/audit/index.ts';
import { openStore, type Store } from '../../../../src-main/services/store/index.ts';

let folder: string;
let store: Store;
let audit: Audit;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'core-audit-'));
  store = openStore(folder);
  audit = createAudit(store.audit, folder, { now: () => 1_800_000_000_000 });
  for (const target of ['a', 'b', 'c', 'd']) {
    await audit.append({ actor: 'command', action: 'provisioning.run', target, outcome: 'done' });
  }
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

/** Does what an intruder with the file would do: the triggers do not stop him. */
function tamper(sql: string): void {
  const database = new DatabaseSync(join(folder, 'flaredesk.sqlite'));
  database.exec('DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_shortened');
  database.exec(sql);
  database.close();
}

describe('the audit trail', () => {
  it('is whole when nobody touched it', async () => {
    expect(await audit.verify()).toEqual({ entries: 4, intact: true });
  });

  it.each([
    ['a changed field', "UPDATE audit SET target = 'x' WHERE seq = 2", 2],
    ['a changed time', "UPDATE audit SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 3", 3],
    ['a removed entry', 'DELETE FROM audit WHERE seq = 2', 2],
    ['a removed first entry', 'DELETE FROM audit WHERE seq = 1', 1],
    ['entries cut off at the end', 'DELETE FROM audit WHERE seq >= 3', 3],
    ['everything removed', 'DELETE FROM audit', 1],
    ['an exchanged hash', "UPDATE audit SET hash = '00' WHERE seq = 4", 4],
  ])('shows %s', async (_what, sql, brokenAt) => {
    tamper(sql);
    expect(await audit.verify()).toMatchObject({ intact: false, brokenAt });
  });

  it('shows a last entry that was removed and written anew', async () => {
    tamper('DELETE FROM audit WHERE seq = 4');
    const forger = createAudit(store.audit, join(folder, 'elsewhere'), { now: () => 1_800_000_000_001 });
    await forger.append({ actor: 'x', action: 'y', target: 'z', outcome: 'done' }).catch(() => undefined);
    expect(await audit.verify()).toMatchObject({ intact: false, brokenAt: 4 });
  });

  it('refuses to change or shorten itself', () => {
    const database = new DatabaseSync(join(folder, 'flaredesk.sqlite'));
    expect(() => database.exec("UPDATE audit SET target = 'x'")).toThrow(/append-only/);
    expect(() => database.exec('DELETE FROM audit')).toThrow(/append-only/);
    database.close();
  });

  it('stays one chain when two processes write', async () => {
    const other = openStore(folder);
    const second = createAudit(other.audit, folder, { now: () => 1_800_000_000_002 });
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? audit : second).append({
          actor: 'x',
          action: 'y',
          target: String(index),
          outcome: 'done',
        }),
      ),
    );
    other.close();
    expect(await audit.verify()).toEqual({ entries: 24, intact: true });
  });

  it('exports JSON lines to a new file for its owner alone, and never over an old one', async () => {
    const target = join(folder, 'trail.jsonl');
    expect(await audit.exportTo(target)).toBe(4);
    const lines = (await readFile(target, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { target: string }).target)).toEqual([
      'a',
      'b',
      'c',
      'd',
    ]);
    expect((await stat(target)).mode & 0o777).toBe(0o600);
    await expect(audit.exportTo(target)).rejects.toThrow();
  });

  it('keeps no secret', async () => {
    const canary = '-----BEGIN PRIVATE KEY-----\nMIICANARY\n-----END PRIVATE KEY-----';
    const entry = await audit.append({
      actor: 'command',
      action: 'x',
      target: `kit with ${canary}`,
      outcome: 'done',
      detail: { passphrase: 'hunter2', note: 'token=abcdef123456' },
    });
    expect(JSON.stringify(entry)).not.toMatch(/CANARY|hunter2|abcdef123456/);
  });
});
