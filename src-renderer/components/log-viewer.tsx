import { ActionIcon, Checkbox, TextInput, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconDownload } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTexts } from '../app/texts.ts';
import { saveText } from './save-text.ts';
import classes from './log-viewer.module.css';

export interface LogViewerProps {
  lines: string[];
  /** File name of a download. */
  name: string;
  label: string;
  height: number | string;
}

/** A log: search, follow, wrap, download of all of it; a hundred thousand lines scroll because only the seen ones are drawn. */
export function LogViewer({ lines, name, label, height }: LogViewerProps) {
  const t = useTexts();
  const [query, setQuery] = useState('');
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(false);
  const [hit, setHit] = useState(0);
  const viewport = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => 18,
    overscan: 20,
  });
  const hits = useMemo(() => {
    const wanted = query.toLowerCase();
    if (wanted === '') return [];
    return lines.flatMap((line, index) => (line.toLowerCase().includes(wanted) ? [index] : []));
  }, [lines, query]);
  useEffect(() => {
    if (follow && lines.length > 0 && query === '') virtual.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follow, lines.length, query, virtual]);
  const go = (to: number): void => {
    if (hits.length === 0) return;
    const next = (to + hits.length) % hits.length;
    setHit(next);
    virtual.scrollToIndex(hits[next] ?? 0, { align: 'center' });
  };
  const marked = useMemo(() => new Set(hits), [hits]);
  return (
    <div className={classes.log} style={{ height }}>
      <div className={classes.toolbar}>
        <TextInput
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Enter' && go(event.shiftKey ? hit - 1 : hit + 1)}
          placeholder={t('common.logView.search')}
          aria-label={t('common.logView.search')}
          w={160}
        />
        {query === '' ? null : (
          <>
            <span className="muted" aria-live="polite">
              {t('common.logView.hits', { count: hits.length })}
            </span>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('common.logView.previous')}
              onClick={() => go(hit - 1)}
            >
              <IconChevronUp size={14} />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('common.logView.next')}
              onClick={() => go(hit + 1)}
            >
              <IconChevronDown size={14} />
            </ActionIcon>
          </>
        )}
        <span className={classes.grow} />
        <Checkbox
          label={t('common.logView.follow')}
          checked={follow}
          onChange={(event) => setFollow(event.currentTarget.checked)}
        />
        <Checkbox
          label={t('common.logView.wrap')}
          checked={wrap}
          onChange={(event) => setWrap(event.currentTarget.checked)}
        />
        <Tooltip label={t('common.logView.download')}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('common.logView.download')}
            onClick={() => saveText(name, lines.join('\n').concat('\n'))}
          >
            <IconDownload size={14} />
          </ActionIcon>
        </Tooltip>
      </div>
      <div
        ref={viewport}
        className={classes.viewport}
        role="log"
        aria-label={label}
        aria-live="off"
        tabIndex={0}
        onWheel={(event) => event.deltaY < 0 && setFollow(false)}
      >
        {lines.length === 0 ? (
          <div className={`muted ${classes.nothing}`}>{t('common.logView.nothing')}</div>
        ) : null}
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              data-hit={marked.has(item.index) || undefined}
              data-current={hits[hit] === item.index || undefined}
              className={classes.line}
              style={{ transform: `translateY(${item.start}px)`, whiteSpace: wrap ? 'pre-wrap' : 'pre' }}
            >
              {lines[item.index]}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
