/** The lint rule that keeps texts in the catalogue: it must be able to say no. */
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const eslint = new ESLint({ cwd: root });

async function complaints(code: string): Promise<number> {
  const [result] = await eslint.lintText(code, { filePath: join(root, 'src-renderer/app/key-list.tsx') });
  return (
    result?.messages.filter(({ message }) => message.startsWith('Texts come from the catalogue')).length ?? 0
  );
}

it.each([
  'export const A = () => <p>Deliver the kits</p>;',
  'export const A = () => <button title="Deliver the kits" />;',
  "export const A = () => <p>{'Deliver the kits'}</p>;",
  "export const A = ({ on }: { on: boolean }) => <p>{on ? 'running' : null}</p>;",
  'export const A = ({ n }: { n: number }) => <p>{`${n} kits`}</p>;',
])('refuses %s', { timeout: 60_000 }, async (code) => {
  expect(await complaints(code)).toBeGreaterThan(0);
});

it('lets keys, classes and signs through', async () => {
  const code =
    'export const A = ({ t }: { t: (k: string) => string }) => <p className="muted">{t("common.close")} · –</p>;';
  expect(await complaints(code)).toBe(0);
});
