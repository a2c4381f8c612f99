import { Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';

/** A text that is committed when it is left or on Enter, and follows the draft while it is not typed in. */
export function Field({
  label,
  value,
  onCommit,
  error,
  description,
  lines,
  mono,
  placeholder,
}: {
  label: string;
  value: string;
  onCommit: (value: string) => void;
  error?: string | undefined;
  description?: string | undefined;
  /** More than one line is shown; Enter begins the next. */
  lines?: number;
  mono?: boolean;
  placeholder?: string | undefined;
}) {
  const [typed, setTyped] = useState<string>();
  const commit = (): void => {
    if (typed !== undefined && typed !== value) onCommit(typed.trim());
    setTyped(undefined);
  };
  const shared = {
    label,
    description,
    error,
    placeholder,
    value: typed ?? value,
    onBlur: commit,
    spellCheck: false,
    autoComplete: 'off',
    classNames: mono ? { input: 'mono' } : {},
  };
  if (lines !== undefined) {
    return (
      <Textarea
        {...shared}
        minRows={lines}
        maxRows={12}
        autosize
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    );
  }
  return (
    <TextInput
      {...shared}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
    />
  );
}
