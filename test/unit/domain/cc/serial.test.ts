import { expect, test } from 'vitest';
import { readSerial, redactKeys } from '../../../../src-main/domain/cc/serial.ts';

const hex = Array.from({ length: 48 }, (_, index) => (index * 5).toString(16).padStart(2, '0')).join('');
const base64 = Buffer.from(hex, 'hex').toString('base64');
const expected = { computed: true, plain: hex, withDebugSwap: 'cd'.repeat(48) } as const;

test('the stages of a boot', () => {
  expect(readSerial('').stage).toBe('silent');
  expect(readSerial('[0.0] Linux version\n').stage).toBe('booting');
  const text = `[0.0] Linux\nVM_ID: 885fa6b56c76 Measurement: ${base64}\n`;
  expect(readSerial(text, expected)).toEqual({
    stage: 'attesting',
    vmId: '885fa6b56c76',
    measurement: hex,
    expected: 'equal',
  });
  expect(readSerial(`${text}Retrieved key: abcd ... wxyz\n`, expected).stage).toBe('unlocked');
  expect(readSerial(text, { computed: true, plain: 'ef'.repeat(48), withDebugSwap: hex }).expected).toBe(
    'equal_with_debug_swap',
  );
  expect(
    readSerial(text, { computed: true, plain: 'ef'.repeat(48), withDebugSwap: 'cd'.repeat(48) }).expected,
  ).toBe('differs');
  expect(readSerial(text, { computed: false, reason: 'no kernel hashes' }).expected).toBeUndefined();
});

test('a measurement printed as hex counts too; one cut short does not', () => {
  expect(readSerial(`Measurement: ${hex}\n`).measurement).toBe(hex);
  expect(readSerial(`Measurement: ${base64.slice(0, 60)}\n`)).toEqual({ stage: 'booting' });
});

test('failures have a reason; a refusal before the key came does not count', () => {
  expect(readSerial('KBS: 401 Unauthorized\n').reason).toMatch(/refused the key/);
  expect(readSerial('curl: Could not resolve host kbs\n').reason).toMatch(/does not resolve/);
  expect(readSerial('connect: Connection refused\nRetrieved key: abcd\n').stage).toBe('unlocked');
  expect(readSerial('Retrieved key: abcd\nKernel panic - not syncing\n').stage).toBe('failed');
});

test('keys are taken out, measurements stay', () => {
  const key = '0f'.repeat(64);
  expect(redactKeys(`Retrieved key: ${key}\nMeasurement: ${hex}\n`)).toBe(
    `Retrieved key: [a key, not shown]\nMeasurement: ${hex}\n`,
  );
  expect(readSerial(`panic Kernel panic ${key}`).reason).not.toContain('0f0f');
});
