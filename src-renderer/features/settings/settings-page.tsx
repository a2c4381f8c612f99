import { NumberInput, SegmentedControl, Select, Switch, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Page } from '../../components/page.tsx';
import { useAction } from '../../state/action.ts';
import { settingsReplica } from '../../state/replicas.ts';
import { About } from './about.tsx';
import { Custody } from './custody.tsx';
import { Diagnostics } from './diagnostics.tsx';
import { KnownHosts } from './known-hosts.tsx';
import { Remembered } from './remembered.tsx';
import classes from './settings-page.module.css';

/** What a person sets once for this machine, and what tells about it. */
export default function SettingsPage() {
  const t = useTexts();
  return (
    <Page title={t('settings.title')}>
      <div className={classes.settings}>
        <Preferences />
        <Section title={t('settings.custody')}>
          <Custody />
        </Section>
        <Section title={t('settings.remembered')} about={t('settings.rememberedAbout')}>
          <Remembered />
        </Section>
        <Section title={t('settings.knownHosts')} about={t('settings.knownHostsAbout')}>
          <KnownHosts />
        </Section>
        <Section title={t('settings.diagnostics')} about={t('settings.diagnosticsAbout')}>
          <Diagnostics />
        </Section>
        <Section title={t('settings.about')}>
          <About />
        </Section>
      </div>
    </Page>
  );
}

function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <section className={classes.section}>
      <h2 className={classes.heading}>{title}</h2>
      <div>
        {about ? <p className={classes.about}>{about}</p> : null}
        {children}
      </div>
    </section>
  );
}

function Preferences() {
  const t = useTexts();
  const client = useClient();
  const settings = settingsReplica.use((replica) => replica.value);
  const save = useAction((changes: Parameters<typeof client.call<'settings.set'>>[1]) =>
    client.call('settings.set', changes),
  );
  if (!settings) return null;
  return (
    <>
      {save.error ? <ErrorNotice error={save.error} /> : null}
      <Section title={t('settings.appearance')}>
        <div className={classes.field}>
          <span id="theme-label">{t('settings.theme')}</span>
          <SegmentedControl
            size="xs"
            aria-labelledby="theme-label"
            value={settings.appearance}
            onChange={(appearance) => void save.run({ appearance: appearance })}
            data={[
              { value: 'system', label: t('settings.system') },
              { value: 'light', label: t('settings.light') },
              { value: 'dark', label: t('settings.dark') },
            ]}
          />
        </div>
        <div className={classes.field}>
          <span id="contrast-label">{t('settings.contrast')}</span>
          <SegmentedControl
            size="xs"
            aria-labelledby="contrast-label"
            value={settings.contrast}
            onChange={(contrast) => void save.run({ contrast: contrast })}
            data={[
              { value: 'normal', label: t('settings.normalContrast') },
              { value: 'high', label: t('settings.highContrast') },
            ]}
          />
        </div>
      </Section>
      <Section title={t('settings.defaults')}>
        <Select
          label={t('settings.flare')}
          value={settings.flare}
          allowDeselect={false}
          onChange={(flare) => flare && void save.run({ flare: flare })}
          data={['2.8.1', '2.7.2']}
          w={240}
        />
      </Section>
      <Section title={t('settings.notifications')}>
        <Switch
          label={t('settings.notify')}
          description={t('settings.notifyAbout')}
          checked={settings.notifications}
          onChange={(event) => void save.run({ notifications: event.currentTarget.checked })}
        />
      </Section>
      <Section title={t('settings.alarms')} about={t('settings.alarmsAbout')}>
        <TextInput
          label={t('settings.webhook')}
          defaultValue={settings.alarm_webhook}
          maxLength={2000}
          w={480}
          onBlur={(event) => {
            const value = event.currentTarget.value.trim();
            if (value !== settings.alarm_webhook) void save.run({ alarm_webhook: value });
          }}
        />
      </Section>
      <Section title={t('settings.log')}>
        <div style={{ display: 'flex', gap: 16 }}>
          <Select
            label={t('settings.logLevel')}
            value={settings.log_level}
            allowDeselect={false}
            onChange={(level) => level && void save.run({ log_level: level })}
            data={['debug', 'info', 'warn', 'error']}
            w={140}
          />
          <NumberInput
            label={t('settings.logSize')}
            value={settings.log_mebibytes}
            min={1}
            max={100}
            allowDecimal={false}
            onBlur={(event) => {
              const value = Number(event.currentTarget.value);
              if (Number.isInteger(value) && value >= 1 && value <= 100)
                void save.run({ log_mebibytes: value });
            }}
            w={240}
          />
        </div>
      </Section>
    </>
  );
}
