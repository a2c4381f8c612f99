/** What a person sets once for this machine. */
import { z } from 'zod';
import { idField, nameField, timeText } from './fields.ts';
import { defineCall, defineState } from './kernel.ts';

/** https, or plain http that does not leave this machine; no user and password in it. */
function isWebhook(text: string): boolean {
  if (text === '') return true;
  const found = /^(https?):\/\/(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d{1,5})?(\/[^\s#]*)?$/i.exec(text);
  if (!found) return false;
  const [, scheme = '', host = ''] = found;
  return scheme.toLowerCase() === 'https' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(host);
}

const fields = {
  appearance: z.enum(['system', 'light', 'dark']),
  contrast: z.enum(['normal', 'high']),
  /** The FLARE line of new projects. */
  flare: z.enum(['2.7.2', '2.8.1']),
  /** Of the system: a task that ended unseen, an alarm of attestation. */
  notifications: z.boolean(),
  log_level: z.enum(['debug', 'info', 'warn', 'error']),
  /** Size of one log file in MiB; five are kept. */
  log_mebibytes: z.int().min(1).max(100),
  /** Alarms are posted there; empty: nowhere. */
  alarm_webhook: z
    .string()
    .max(2000)
    .refine(isWebhook, 'an https address, or http to this machine; empty for none'),
};

export const settingsSchema = z.strictObject({
  appearance: fields.appearance.default('system'),
  contrast: fields.contrast.default('normal'),
  flare: fields.flare.default('2.8.1'),
  notifications: fields.notifications.default(true),
  log_level: fields.log_level.default('info'),
  log_mebibytes: fields.log_mebibytes.default(5),
  alarm_webhook: fields.alarm_webhook.default(''),
});

export type Settings = z.output<typeof settingsSchema>;

export const settings = {
  current: defineState({ name: 'settings.current', value: settingsSchema }),
  /** The host keys this program accepted, in its own known_hosts file. */
  knownHosts: defineCall({
    name: 'settings.known_hosts',
    effect: 'read',
    deadlineMs: 10_000,
    input: z.strictObject({}),
    output: z.strictObject({
      hosts: z.array(
        z.strictObject({
          host: z.string(),
          key_type: z.string(),
          fingerprint: z.string(),
          first_seen: z.string().optional(),
        }),
      ),
    }),
  }),
  /** Forgets one accepted host key; the next contact asks again. */
  forgetHost: defineCall({
    name: 'settings.forget_host',
    effect: 'write',
    deadlineMs: 10_000,
    input: z.strictObject({ host: nameField, fingerprint: z.string().max(200) }),
    output: z.strictObject({}),
  }),
  /** Which passphrases are remembered on this computer: what they open, never themselves. */
  remembered: defineCall({
    name: 'settings.remembered',
    effect: 'read',
    deadlineMs: 10_000,
    input: z.strictObject({}),
    output: z.strictObject({
      /** `memory_only`: without a keychain that protects them, none is kept. */
      mode: z.enum(['keychain', 'memory_only']),
      passphrases: z.array(z.strictObject({ id: idField, opens: z.string(), kept_at: timeText })),
    }),
  }),
  /** The passphrase is asked again. */
  forgetRemembered: defineCall({
    name: 'settings.forget_remembered',
    effect: 'write',
    deadlineMs: 10_000,
    input: z.strictObject({ id: idField }),
    output: z.strictObject({}),
  }),
  get: defineCall({
    name: 'settings.get',
    effect: 'read',
    deadlineMs: 5_000,
    input: z.strictObject({}),
    output: settingsSchema,
  }),
  set: defineCall({
    name: 'settings.set',
    effect: 'write',
    deadlineMs: 5_000,
    input: z.strictObject(fields).partial(),
    output: settingsSchema,
  }),
};
