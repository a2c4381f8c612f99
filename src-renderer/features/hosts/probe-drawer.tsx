import { Button, Drawer } from '@mantine/core';
import { useTexts } from '../../app/texts.ts';
import { Copyable } from '../../components/copyable.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import type { Host, Probe } from './host-matrix.tsx';
import classes from './hosts.module.css';

/** The evidence of one answer: what was found, when, what it means, what to do, and what the host printed. */
export function ProbeDrawer({
  host,
  probe,
  onClose,
  onAsk,
}: {
  host: Host | undefined;
  probe: Probe | undefined;
  onClose: () => void;
  onAsk: (host: string, probe: string) => void;
}) {
  const t = useTexts();
  return (
    <Drawer
      opened={host !== undefined && probe !== undefined}
      onClose={onClose}
      position="right"
      size={560}
      title={host && probe ? t('hosts.detail', { title: probe.title, name: host.name }) : ''}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {host && probe ? (
        <div className={classes.detail}>
          <div style={{ display: 'flex', alignItems: 'center', gap: 12 }}>
            {probe.state === 'not_applicable' ? (
              <span className="muted">{t('hosts.notApplicable')}</span>
            ) : (
              <StateBadge state={probe.state} />
            )}
            <span>
              <RelativeTime at={probe.at} />
              {probe.command ? (
                <span className="muted"> · {t('hosts.took', { seconds: probe.seconds.toFixed(1) })}</span>
              ) : null}
            </span>
            <Button variant="default" ml="auto" onClick={() => onAsk(host.name, probe.id)}>
              {t('hosts.askAgain')}
            </Button>
          </div>
          <h2 className={classes.heading}>{t('hosts.found')}</h2>
          <div>{probe.summary}</div>
          {probe.meaning ? (
            <>
              <h2 className={classes.heading}>{t('hosts.means')}</h2>
              <div>{probe.meaning}</div>
            </>
          ) : null}
          {probe.fix ? <Fix fix={probe.fix} /> : null}
          {probe.command ? <Evidence probe={probe} /> : null}
          <div className="muted">
            {t('hosts.source')}: {probe.source}
          </div>
        </div>
      ) : null}
    </Drawer>
  );
}

function Fix({ fix }: { fix: NonNullable<Probe['fix']> }) {
  const t = useTexts();
  return (
    <>
      <h2 className={classes.heading}>{t('hosts.fix')}</h2>
      <div>{fix.text}</div>
      {fix.commands && fix.commands.length > 0 ? (
        <>
          <div className="muted">{t('hosts.commands')}</div>
          {fix.commands.map((command) => (
            <Copyable key={command} text={command} length={68} />
          ))}
        </>
      ) : null}
    </>
  );
}

function Evidence({ probe }: { probe: Probe }) {
  const t = useTexts();
  return (
    <>
      <h2 className={classes.heading}>{t('hosts.command')}</h2>
      <Copyable text={probe.command ?? ''} length={68} />
      <h2 className={classes.heading}>{t('hosts.output')}</h2>
      <div className="muted">
        {t('hosts.exitStatus')}: {probe.code ?? t('hosts.noEnd')}
      </div>
      {probe.output ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reached by keyboard
        <pre className={`${classes.output} mono`} tabIndex={0}>
          {probe.output}
        </pre>
      ) : (
        <div className="muted">{t('hosts.noOutput')}</div>
      )}
    </>
  );
}
