import { Button, Checkbox } from '@mantine/core';
import { useTexts } from '../../app/texts.ts';
import { ccFile, hasNfs, listText, pairsText, portsOf, setList, setPairs, withNfs } from './cc-model.ts';
import type { WithError } from './cc-part.ts';
import { Field } from './field.tsx';
import classes from './project.module.css';

/** Ports, NFS and names of the machine. */
export function NetworkPart({ participant, values, edit, error }: WithError) {
  const t = useTexts();
  const file = ccFile(participant);
  const misspelt = values.host_entries !== undefined;
  const hostsKey = misspelt ? 'host_entries' : 'hosts_entries';
  const nfs = hasNfs(values.allowed_out_ports);
  return (
    <>
      <h3 className={classes.heading}>{t('project.cc.network')}</h3>
      <div className={classes.fields}>
        <Field
          label={t('project.cc.inside')}
          value={listText(values.allowed_ports, ', ')}
          error={error('allowed_ports')}
          onCommit={(value) => edit([setList(file, 'allowed_ports', portsOf(value))])}
        />
        <Field
          label={t('project.cc.outside')}
          value={listText(values.allowed_out_ports, ', ')}
          error={error('allowed_out_ports')}
          onCommit={(value) => edit([setList(file, 'allowed_out_ports', portsOf(value))])}
        />
        <div className={classes.wide}>
          <Checkbox
            label={t('project.cc.nfs')}
            description={t('project.cc.nfsAbout')}
            checked={nfs}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              edit((now) => [setList(file, 'allowed_out_ports', withNfs(now.allowed_out_ports, on))]);
            }}
          />
        </div>
        <div className={classes.wide}>
          <Field
            label={t('project.cc.hosts')}
            description={t('project.cc.hostsAbout')}
            value={pairsText(values[hostsKey])}
            error={error(hostsKey)}
            lines={1}
            mono
            onCommit={(value) => edit((now) => setPairs(file, hostsKey, now[hostsKey], value))}
          />
          {misspelt && values.hosts_entries === undefined ? (
            <Button
              variant="default"
              mt="xs"
              onClick={() => edit([{ op: 'rename_key', file, path: ['host_entries'], key: 'hosts_entries' }])}
            >
              {t('project.cc.renameHosts')}
            </Button>
          ) : null}
        </div>
      </div>
    </>
  );
}
