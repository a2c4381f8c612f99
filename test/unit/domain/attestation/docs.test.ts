/** `docs/attestation.md` says what the table of badges says. FLAREDESK_WRITE_DOCS=1 writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { badges, checkNames, windowsOf } from '../../../../src-main/domain/attestation/index.ts';

const file = new URL('../../../../docs/attestation.md', import.meta.url);
const begin = '<!-- badges: made from src-main/domain/attestation/badges.ts -->';
const end = '<!-- /badges -->';

function table(): string {
  const rows = badges.map(
    ({ label, colour, class: kind, condition, proof, limit }) =>
      `| **${label}** | ${colour.replace('_', ' ')} | ${kind} | ${condition} | ${proof} | ${limit} |`,
  );
  return [
    '| badge | colour | class | shown when | proof | does not prove |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

test('the reviewer’s table is the code’s table', () => {
  const text = readFileSync(file, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const after = rest.split(end)[1] ?? '';
  const wanted = `${before}${begin}\n\n${table()}\n\n${end}${after}`;
  if (process.env.FLAREDESK_WRITE_DOCS === '1') writeFileSync(file, wanted);
  expect(readFileSync(file, 'utf8')).toBe(wanted);
});

test('the page names every check and the windows as the code has them', () => {
  const text = readFileSync(file, 'utf8');
  for (const name of Object.values(checkNames)) expect(text).toContain(name);
  expect(windowsOf({ verifyFrequency: 600, sites: 1 }).hardware).toBe(20 * 60_000);
  expect(windowsOf({ verifyFrequency: 60, sites: 1 }).hardware).toBe(15 * 60_000);
});
