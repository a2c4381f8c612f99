/** The lint rules that keep windows as safe as Electron makes them: they must be able to say no. */
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
// One rule of one configuration, without the types of the whole program.
const eslint = new ESLint({
  cwd: root,
  ruleFilter: ({ ruleId }) => ruleId === 'no-restricted-syntax',
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
});

async function complaints(code: string, file = 'window.ts'): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: join(root, 'src-main/electron', file) });
  return (result?.messages ?? []).map(({ message }) => message);
}

it.each([
  'export const a = { webSecurity: false };',
  'export const a = { webSecurity: true };',
  'export const a = { allowRunningInsecureContent: true };',
  'export const a = { experimentalFeatures: true };',
  "export const a = { enableBlinkFeatures: 'X' };",
  "export const a = { disableBlinkFeatures: 'X' };",
  'export const a = { nodeIntegration: true };',
  'export const a = { nodeIntegrationInWorker: 1 > 0 };',
  'export const a = { contextIsolation: false };',
  'export const a = (on: boolean) => ({ sandbox: on });',
  'export const a = { webviewTag: true };',
  'export const a = { rejectUnauthorized: false };',
  "export const a = (app: { commandLine: { appendSwitch(s: string): void } }) => app.commandLine.appendSwitch('no-sandbox');",
  'export const a = (s: { setCertificateVerifyProc(p: unknown): void }) => s.setCertificateVerifyProc(null);',
])('refuses %s', { timeout: 60_000 }, async (code) => {
  expect(await complaints(code)).toHaveLength(1);
});

it('lets only the opener hand addresses to the system', async () => {
  const code =
    'export const a = (shell: { openExternal(s: string): void }) => shell.openExternal("https://x/");';
  expect(await complaints(code, 'menu.ts')).toHaveLength(1);
  expect(await complaints(code, 'adapters/opener.ts')).toEqual([]);
});

it('lets the safe options through', async () => {
  const code =
    'export const a = { nodeIntegration: false, webviewTag: false, contextIsolation: true, sandbox: true };';
  expect(await complaints(code)).toEqual([]);
});
