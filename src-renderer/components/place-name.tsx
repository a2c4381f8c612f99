import { Tooltip } from '@mantine/core';

/** A folder by its own name; the whole path on hover and for screen readers. */
export function PlaceName({ path }: { path: string }) {
  const name = path.split(/[\\/]/).findLast((part) => part !== '') ?? path;
  return (
    <Tooltip label={path}>
      <span aria-label={path} role="img">
        {name}
      </span>
    </Tooltip>
  );
}
