import { Button, Input } from '@mantine/core';
import { useId } from 'react';
import { useTexts } from '../../app/texts.ts';
import { baseName } from '../../components/format.ts';
import type { Place } from '../../state/pick.ts';
import classes from './bundles.module.css';

/** A field that holds a file or folder of this machine, chosen in a dialog. */
export function PickedPlace({
  label,
  place,
  error,
  onPick,
}: {
  label: string;
  place: Place | undefined;
  error?: string | undefined;
  onPick: () => void;
}) {
  const t = useTexts();
  const id = useId();
  return (
    <Input.Wrapper label={label} error={error} labelElement="div" labelProps={{ id }}>
      <div className={classes.row}>
        <Button
          variant="default"
          aria-describedby={id}
          aria-label={`${t('bundles.data.choose')}: ${label}`}
          onClick={onPick}
        >
          {t('bundles.data.choose')}
        </Button>
        {place ? (
          <span className="mono" title={place.label}>
            {baseName(place.label)}
          </span>
        ) : (
          <span className="muted">{t('bundles.data.driveNone')}</span>
        )}
      </div>
    </Input.Wrapper>
  );
}
