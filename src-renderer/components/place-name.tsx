import { Tooltip } from '@mantine/core';
import { baseName } from './format.ts';

/** A folder by its own name; the whole path on hover and for screen readers. */
export function PlaceName({ path }: { path: string }) {
  return (
    <Tooltip label={path}>
      <span aria-label={path} role="img">
        {baseName(path)}
      </span>
    </Tooltip>
  );
}
