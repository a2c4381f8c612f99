import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../../src-main/electron');

// Whoever can set a variable of the desktop app's environment must not be able to make anything look attested, even striped.
it('the desktop app has no way to a test root: nothing there reads the switch or passes a root on', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    expect(readFileSync(join(folder, file), 'utf8'), file).not.toMatch(
      /TEST_ATTESTATION|testAttestationRoot|\.\.\.process\.env/i,
    );
  }
});
