import { NumberInput } from '@mantine/core';
import { useTexts } from '../../app/texts.ts';

/** GiB of a drive. */
export function SizeField({
  label,
  value,
  error,
  onChange,
}: {
  label: string;
  value: number;
  error?: string | undefined;
  onChange: (gibibytes: number) => void;
}) {
  const t = useTexts();
  return (
    <NumberInput
      label={label}
      description={t('bundles.data.sizeRange')}
      value={value}
      min={0.008}
      max={65_536}
      step={1}
      decimalScale={3}
      maw={240}
      error={error}
      onChange={(next) => onChange(Number(next))}
    />
  );
}
