import { Button, Drawer, NumberInput, Switch } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useAction } from '../../state/action.ts';
import classes from './attestation.module.css';

type Rules = CallOutput<'attestation.rules'>['rules'];
const products = ['Milan', 'Genoa', 'Turin'] as const;
type Product = (typeof products)[number];
const levels = ['boot_loader', 'tee', 'snp', 'microcode', 'fmc'] as const;
type Level = (typeof levels)[number];

/** What the project demands of every site beyond its image; kept evidence is judged by it at once. */
export function RulesDrawer({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const t = useTexts();
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size={560}
      title={t('attestation.rules')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {opened ? <RulesForm onDone={onClose} /> : null}
    </Drawer>
  );
}

function RulesForm({ onDone }: { onDone: () => void }) {
  const t = useTexts();
  const client = useClient();
  const [rules, setRules] = useState<Rules>();
  const read = useAction(() => client.call('attestation.rules', {}));
  const save = useAction((next: Rules) => client.call('attestation.set_rules', { rules: next }));
  const { run } = read;
  useEffect(() => void run(undefined), [run]);
  useEffect(() => setRules(read.value?.rules), [read.value]);
  useEffect(() => {
    if (save.value) onDone();
  }, [save.value, onDone]);
  const error = read.error ?? save.error;
  if (rules === undefined) return error ? <ErrorNotice error={error} /> : null;
  const change = (product: Product, level: Level, value: number | string): void => {
    const { [level]: _old, ...rest } = rules.minimum_tcb[product] ?? {};
    const next = typeof value === 'number' ? { ...rest, [level]: value } : rest;
    setRules({ ...rules, minimum_tcb: { ...rules.minimum_tcb, [product]: next } });
  };
  return (
    <>
      {error ? <ErrorNotice error={error} /> : null}
      <p>{t('attestation.rulesAbout')}</p>
      {products.map((product) => (
        <fieldset key={product} className={classes.levels}>
          <legend>{t('attestation.firmwareOf', { product })}</legend>
          {levels
            .filter((level) => level !== 'fmc' || product === 'Turin')
            .map((level) => (
              <NumberInput
                key={level}
                size="xs"
                label={t(`attestation.levels.${level}`)}
                placeholder={t('attestation.any')}
                value={rules.minimum_tcb[product]?.[level] ?? ''}
                min={0}
                max={255}
                allowDecimal={false}
                onChange={(value) => change(product, level, value)}
              />
            ))}
        </fieldset>
      ))}
      <Switch
        mt="md"
        label={t('attestation.allowSmt')}
        checked={rules.allow_smt}
        onChange={(event) => setRules({ ...rules, allow_smt: event.currentTarget.checked })}
      />
      <Switch
        mt="xs"
        label={t('attestation.allowMigration')}
        checked={rules.allow_migration}
        onChange={(event) => setRules({ ...rules, allow_migration: event.currentTarget.checked })}
      />
      <Button mt="md" loading={save.status === 'running'} onClick={() => void save.run(rules)}>
        {t('attestation.saveRules')}
      </Button>
    </>
  );
}
